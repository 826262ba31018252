"""Whatever changes, in whatever order, Spark's marts are those of a full refresh on DuckDB.

`INFRASPEND_DELTAS` is the number of sequences; each takes several builds on Spark, which are some
ten minutes each on two cores. One of them can be taken again alone by its seed, as on DuckDB (see
tests/incremental).
"""

import os
from pathlib import Path

import duckdb
import pytest

from infraspend.builder.spark import home_beside
from infraspend.loaders.warehouse import LakeUrl
from tests.end_to_end.companies import ROOT, Company
from tests.incremental.machine import Deltas, run_sequences
from tests.spark.comparison import differences_of_engines


class DeltasOnSpark(Deltas):
    """Builds on Spark, from a lake where the same deliveries landed as in the warehouse."""

    def differences(self, full: Path) -> list[str]:
        with duckdb.connect(str(full), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            tables = home_beside(self.world.company.warehouse) / "tables"
            return differences_of_engines(connection, tables)


def test_any_sequence_of_deltas_comes_to_what_a_full_refresh_does(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    run_sequences(
        DeltasOnSpark,
        Company(tmp_path / "here", ROOT, LakeUrl(str(tmp_path / "here" / "warehouse" / "lake"))),
        sequences=int(os.environ.get("INFRASPEND_DELTAS", "1")),
        steps=4,
        first_seed=request.config.getoption("--hypothesis-seed"),
    )
