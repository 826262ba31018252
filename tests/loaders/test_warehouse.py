"""Opening the warehouse, and the one way into it."""

from datetime import datetime
from pathlib import Path

import dlt
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from infraspend.loaders import platforms
from infraspend.loaders.clock import utc_now
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.open_warehouse import create_raw_tables, open_warehouse
from infraspend.loaders.sql import literal
from infraspend.loaders.tables import LOAD_ID, TABLES
from infraspend.loaders.warehouse import MEMORY, Landing, LandingError
from tests.command_line.test_doctor import of_another_version
from tests.loaders.queries import rows


def ledger_row(delivery: str) -> dict[str, object]:
    return {
        "delivery_id": delivery,
        "file": "platform/file.csv",
        "kind": "usage",
        "platform": "platform",
        "delivered_at": utc_now(),
        "first_hour": datetime(2026, 11, 1),
        "last_hour": datetime(2026, 11, 1),
        "rows": 1,
        "bytes": 1,
        "sha256": "hash",
        "landed_at": utc_now(),
    }


def usage(delivery: str, value: str = "1.5") -> Landing:
    select = (
        f"select {literal(delivery)} as _delivery_id, timestamp '2026-11-01' as usage_hour,"
        " 'platform' as platform, 'main' as sub_platform, null as capacity_pool,"
        f" 'api' as lyft_label, cast('{value}' as decimal(25,10)) as usage, 'hours' as unit"
    )
    return Landing("usage", select, "_delivery_id", [delivery])


def test_every_raw_table_is_made_with_its_types(empty_warehouse: Path) -> None:
    for dataset, tables in TABLES.items():
        for table, columns in tables.items():
            found = rows(
                empty_warehouse,
                "select column_name, lower(data_type) from information_schema.columns"
                f" where table_schema = '{dataset}' and table_name = '{table}'",
            )
            assert dict(found) == columns | {LOAD_ID: "varchar"}


def test_making_the_tables_again_changes_nothing(warehouse: Path) -> None:
    before = rows(warehouse, "select * from raw_platforms._dlt_loads")

    create_raw_tables(warehouse)

    assert rows(warehouse, "select * from raw_platforms._dlt_loads") == before


def test_what_landed_counts_once_its_load_is_complete(warehouse: Path) -> None:
    with open_warehouse(warehouse) as opened:
        opened.land("raw_platforms", [usage("it's one")])
        opened.land_rows("raw_platforms", {"deliveries": [ledger_row("it's one")]})
        assert opened.landed("raw_platforms") == {"it's one"}

    assert rows(
        warehouse,
        "select count(*) from raw_platforms.usage inner join raw_platforms._dlt_loads"
        " on _dlt_load_id = load_id and status = 0",
    ) == [(1,)]


def test_a_delivery_lands_once_however_often_it_is_sent(warehouse: Path) -> None:
    with open_warehouse(warehouse) as opened:
        for _ in range(2):
            opened.land("raw_platforms", [usage("one")])
            opened.land_rows("raw_platforms", {"deliveries": [ledger_row("one")]})

    assert rows(warehouse, "select count(*) from raw_platforms.usage") == [(1,)]
    assert rows(warehouse, "select count(*) from raw_platforms.deliveries") == [(1,)]


def test_opening_takes_away_what_has_no_ledger_row(warehouse: Path) -> None:
    with open_warehouse(warehouse) as opened:
        opened.land("raw_platforms", [usage("half landed")])

    create_raw_tables(warehouse)

    assert rows(warehouse, "select count(*) from raw_platforms.usage") == [(0,)]


def test_a_statement_that_fails_blocks_nothing_that_follows(warehouse: Path) -> None:
    with open_warehouse(warehouse) as opened:
        with pytest.raises(LandingError, match="Could not convert string"):
            opened.land("raw_platforms", [usage("bad", "1,5")])
        opened.land("raw_platforms", [usage("good")])

        assert opened.query("select _delivery_id from raw_platforms.usage") == [("good",)]


def test_landing_takes_no_more_memory_than_it_may(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MEMORY, "500MB")
    limit = "current_setting('memory_limit')"
    select = usage("one").select.replace("'api' as lyft_label", f"{limit} as lyft_label")

    with open_warehouse(warehouse) as opened:
        opened.land("raw_platforms", [Landing("usage", select, "_delivery_id", ["one"])])
        assert opened.query("select lyft_label from raw_platforms.usage") == [("476.8 MiB",)]
        with opened.scratch() as scratch:
            assert scratch.execute(f"select {limit}").fetchone() == ("476.8 MiB",)


def test_two_runs_do_not_collide(warehouse: Path) -> None:
    with (
        open_warehouse(warehouse),
        pytest.raises(InfraspendError, match="being loaded by another run"),
    ):
        create_raw_tables(warehouse)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.duckdb"
    path.write_text("these are notes" * 1000)

    with pytest.raises(InfraspendError, match=r"notes.duckdb cannot be opened"):
        create_raw_tables(path)


def test_a_file_of_another_duckdb_is_named(warehouse: Path) -> None:
    of_another_version(warehouse)

    with pytest.raises(InfraspendError, match=r"infraspend\.duckdb cannot be opened.* version"):
        create_raw_tables(warehouse)


@pytest.mark.thorough
def test_nothing_is_left_beside_the_warehouse(tmp_path: Path) -> None:
    create_raw_tables(tmp_path / "new" / "infraspend.duckdb")

    left = {file.name for file in (tmp_path / "new").iterdir()}
    assert left - {"infraspend.duckdb.lock"} == {"infraspend.duckdb"}


def test_dlt_refuses_columns_and_types_that_the_raw_tables_do_not_have(tmp_path: Path) -> None:
    path = tmp_path / "infraspend.duckdb"
    create_raw_tables(path)
    pipeline = dlt.pipeline(
        "raw_platforms",
        pipelines_dir=str(tmp_path / "dlt"),
        destination=dlt.destinations.duckdb(str(path)),
        dataset_name="raw_platforms",
    )

    def load(row: dict[str, object]) -> None:
        pipeline.run(platforms.raw_platforms({"rejects": lambda: iter([row])}))

    with pytest.raises(PipelineStepFailed, match="`columns` are frozen"):
        load({"file": "a", "surprise": 1})
    pipeline.drop_pending_packages()
    with pytest.raises(PipelineStepFailed, match="`data_types` are frozen"):
        load({"file": "a", "row_number": "one"})
    assert rows(path, "select * from raw_platforms.rejects") == []
