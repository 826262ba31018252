"""Reading a warehouse in a test."""

from pathlib import Path
from typing import Any

import duckdb

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
