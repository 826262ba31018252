"""Reading a warehouse in a test."""

from pathlib import Path
from typing import Any

import duckdb

from infraspend.loaders.sql import literal
from infraspend.loaders.tables import TABLES

# What differs between two runs that did the same: when, and under which load.
_OF_A_RUN = {"_dlt_load_id", "landed_at", "rejected_at"}


def rows(warehouse: Path, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with duckdb.connect(warehouse, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def content(warehouse: Path, dataset: str) -> dict[str, list[tuple[Any, ...]]]:
    """Table -> rows of a dataset in a stable order, without what differs from run to run."""
    found = {}
    tables = rows(
        warehouse,
        "select table_name, list(column_name order by ordinal_position)"
        f" from information_schema.columns where table_schema = '{dataset}'"
        " and table_name not like '!_dlt!_%' escape '!' group by table_name",
    )
    for table, columns in tables:
        kept = ", ".join(column for column in columns if column not in _OF_A_RUN)
        found[table] = rows(warehouse, f"select {kept} from {dataset}.{table} order by all")
    return found


def files_of(lake: Path, dataset: str, table: str) -> list[Path]:
    """The files that an engine reads for a table of a lake."""
    return sorted((lake / dataset / table).rglob("*.parquet"))


def copied(lake: Path, to: Path) -> Path:
    """A DuckDB file with what a lake holds, read without the loaders."""
    to.unlink(missing_ok=True)
    with duckdb.connect(to) as connection:
        for dataset, tables in TABLES.items():
            connection.execute(f"create schema {dataset}")
            for table in tables:
                # As patterns, [ ] * ? stand for themselves in brackets.
                paths = [
                    "".join(f"[{letter}]" if letter in "[*?" else letter for letter in str(path))
                    for path in files_of(lake, dataset, table)
                ]
                files = ", ".join(map(literal, paths))
                connection.execute(
                    f"create table {dataset}.{table} as from"
                    f" read_parquet([{files}], hive_partitioning = false)"
                )
            loads = ", ".join(
                literal(path.read_text()) for path in (lake / dataset / "_dlt_loads").iterdir()
            )
            connection.execute(
                f"create table {dataset}._dlt_loads as select load ->> 'load_id' as load_id,"
                f" cast(load -> 'status' as bigint) as status"
                f" from (select unnest([{loads}])::json as load)"
            )
    return to
