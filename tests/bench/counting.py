"""Runs dbt with every statement profiled: which node made the engine read how many rows.

    INFRASPEND_COUNTS=FILE [INFRASPEND_ROW_GROUP=ROWS] python -m tests.bench.counting build ...

A line of JSON for every scan of a table: the node that asked, the table, how many rows the row
groups hold that were read (`scanned`), and how many of them passed the scan's own filters. With
`INFRASPEND_ROW_GROUP` the warehouse is stored in row groups of so many rows before, and so is
what the run adds; DuckDB's own have 122,880. It makes large ones of them again at the next
checkpoint, so that this has to be done here, and no checkpoint is written meanwhile.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb import environments
from dbt.adapters.duckdb.environments import local
from dbt.cli.main import cli

_NODE = re.compile(r'"node_id": "([^"]+)"')


def scans_of(profile: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every scan of a table in a profile of DuckDB's."""
    for operator in [*profile.get("operator", ()), *profile.get("children", ())]:
        if operator.get("type") == "TABLE_SCAN" and "Table" in operator["extra_info"]:
            yield {
                "table": operator["extra_info"]["Table"].partition(".")[2],
                "scanned": operator["rows_scanned"],
                "passed": operator["intermediate_rows"],
            }
        yield from scans_of(operator)


def store_in_small_row_groups(warehouse: Path, rows: int) -> None:
    """Writes a warehouse again, in row groups of so many rows."""
    small = warehouse.with_suffix(".small")
    with duckdb.connect() as connection:
        # The views in it name it by its file's name.
        connection.execute(f"attach '{warehouse}' as large")
        connection.execute(f"attach '{small}' as {warehouse.stem} (row_group_size {rows})")
        connection.execute(f"copy from database large to {warehouse.stem}")
    small.replace(warehouse)


def connect_in_small_row_groups(rows: int) -> Callable[..., duckdb.DuckDBPyConnection]:
    """Opens a warehouse as `duckdb.connect` does, but for the size of the row groups it writes."""
    plain = duckdb.connect

    def connect(path: str, config: dict[str, Any], **_: Any) -> duckdb.DuckDBPyConnection:
        connection = plain(":memory:", config=config)
        stem = Path(path).stem
        connection.execute(f"attach '{path}' as {stem} (row_group_size {rows})")
        connection.execute(f"use {stem}")
        return connection

    return connect


def main() -> None:
    """Runs dbt with the arguments of this process."""
    rows = int(os.environ.get("INFRASPEND_ROW_GROUP") or 0)
    if rows:
        store_in_small_row_groups(Path(os.environ["INFRASPEND_WAREHOUSE"]), rows)
        environments.duckdb.connect = connect_in_small_row_groups(rows)
    counts = Path(os.environ["INFRASPEND_COUNTS"]).open("w", encoding="utf-8")  # noqa: SIM115
    plain = local.DuckDBCursorWrapper.execute

    def execute(self: Any, sql: str, bindings: Any = None) -> Any:
        named = _NODE.search(sql)
        result = None
        self._cursor.execute("pragma enable_profiling = 'no_output'")
        self._cursor.execute("set wal_autocheckpoint = '1TB'")
        # The engine's profile is that of the last of several statements.
        for statement in self._cursor.extract_statements(sql):
            result = plain(self, statement, bindings)
            profile = json.loads(self._cursor.get_profiling_information() or "{}")
            for scan in scans_of(profile):
                row = {"node": named.group(1) if named else "hooks and macros"} | scan
                print(json.dumps(row), file=counts, flush=True)
        return result

    local.DuckDBCursorWrapper.execute = execute
    cli()


if __name__ == "__main__":
    main()
