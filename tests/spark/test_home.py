"""Where Spark builds: one build at a time, and nothing of one that was killed."""

from pathlib import Path

import pytest

from infraspend.builder.spark import Spark
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.warehouse import LakeUrl


def test_what_a_build_left_that_was_killed_is_gone_when_the_next_begins(tmp_path: Path) -> None:
    spark = Spark.beside(tmp_path / "company.duckdb", LakeUrl(str(tmp_path / "lake")))
    table = spark.home / "tables" / "marts.db" / "enriched_spend"
    table.mkdir(parents=True)
    with spark.locked():
        pass
    with spark.locked():
        assert table.is_dir()
        killed = spark.home / "running"
        assert killed.exists()
    killed.touch()
    with spark.locked():
        assert not table.exists()


def test_two_builds_do_not_run_at_the_same_time(tmp_path: Path) -> None:
    spark = Spark.beside(tmp_path / "company.duckdb", LakeUrl(str(tmp_path / "lake")))
    with spark.locked(), pytest.raises(InfraspendError, match="another run"), spark.locked():
        pass
