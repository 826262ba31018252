"""Runs dbt with every statement profiled: which node made the engine read how many rows.

    INFRASPEND_COUNTS=FILE python -m tests.bench.counting build ...

A line of JSON for every scan of a table: the node that asked, the table, how many rows the row
groups hold that were read (`scanned`), and how many of them passed the scan's own filters.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def main() -> None:
    """Runs dbt with the arguments of this process."""
    counts = Path(os.environ["INFRASPEND_COUNTS"]).open("w", encoding="utf-8")  # noqa: SIM115
    plain = local.DuckDBCursorWrapper.execute

    def execute(self: Any, sql: str, bindings: Any = None) -> Any:
        named = _NODE.search(sql)
        result = None
        self._cursor.execute("pragma enable_profiling = 'no_output'")
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
