"""What a dashboard asks is answered from the published file alone."""

from pathlib import Path

import duckdb
import pytest

from tests.bench import interactive


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return interactive.published(tmp_path_factory.mktemp("year"), labels=60, days=70)


@pytest.mark.parametrize("query", interactive.QUERIES)
def test_every_query_finds_something(database: Path, query: str) -> None:
    assert interactive.waits(database, query, runs=1)


def test_a_label_stands_together(database: Path) -> None:
    with duckdb.connect(database, read_only=True) as connection:
        connection.execute("set threads = 1")
        keys = connection.execute(
            "select lyft_label, usage_date from marts.daily_spend order by rowid"
        ).fetchall()
    assert keys == sorted(keys)
