"""Compares what two engines built: every mart, row by row, both ways, with its types and digits."""

from collections.abc import Iterable
from pathlib import Path

import duckdb

from infraspend.builder.spark import SHOWN, files_of
from infraspend.loaders.sql import literal

Files = dict[Path, int]
"""Files, and when each was written, in nanoseconds."""

_SAME_TYPE = {
    # Spark has no plain timestamp that every function knows: it keeps an instant, and every session
    # of ours reads it in UTC.
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
}

_OF_THE_LOAD = {"landed_at"}
"""Columns that say when a delivery was loaded: each engine's was loaded on its own."""


def differences(
    connection: duckdb.DuckDBPyConnection, mart: str, ours: str, theirs: str
) -> list[str]:
    """Says how two tables differ; an empty list if they hold the same.

    Args:
        connection: Its session is in UTC.
        mart: What the tables are called in what is said.
        ours: A table expression.
        theirs: Another one.
    """
    our_types = _types(connection, ours)
    their_types = _types(connection, theirs)
    if our_types != their_types:
        return [f"{mart}: {sorted(our_types.items() ^ their_types.items())}"]
    columns = ", ".join(
        f'cast("{name}" as {kind}) as "{name}"'
        for name, kind in our_types.items()
        if name not in _OF_THE_LOAD
    )
    found = []
    for one, other, side in ((ours, theirs, "first"), (theirs, ours, "second")):
        rows = connection.execute(
            f"select {columns} from {one} except all select {columns} from {other}"
        ).fetchall()
        if rows:
            found.append(f"{mart}: {len(rows)} rows only in the {side}, such as {rows[0]}")
    return found


def spark_table(tables: Path, schema: str, table: str) -> str:
    """A table expression for the Parquet files that Spark keeps a table in.

    A table without rows may have no file to say which columns it has: then it is DuckDB's, empty.
    """
    files = files_of(tables / f"{schema}.db" / table)
    if not files:
        return f"(from {schema}.{table} limit 0)"
    listed = ", ".join(literal(str(file)) for file in files)
    return f"read_parquet([{listed}], hive_partitioning = true, hive_types_autocast = false)"


def files_of_months(tables: Path) -> Files:
    """The files of all tables that Spark keeps by months."""
    return _written(
        file
        for month in ("billing_period", "usage_month")
        for file in tables.glob(f"*.db/*/{month}=*/*")
    )


def differences_of_engines(connection: duckdb.DuckDBPyConnection, tables: Path) -> list[str]:
    """Says how the marts and datasets of FOCUS differ that DuckDB and Spark built.

    Args:
        connection: Open on what DuckDB built; its session is in UTC.
        tables: The folder of Spark's tables.
    """
    return [
        difference
        for schema in SHOWN
        for table in tables_in(connection, schema)
        for difference in differences(
            connection, table, f"{schema}.{table}", spark_table(tables, schema, table)
        )
    ]


def tables_in(connection: duckdb.DuckDBPyConnection, schema: str) -> list[str]:
    """The tables of a schema of a DuckDB warehouse, such as `marts`."""
    found = connection.execute(
        "select table_name from duckdb_tables()"
        " where database_name = current_database() and schema_name = ? order by table_name",
        [schema],
    ).fetchall()
    return [name for (name,) in found]


def _written(files: Iterable[Path]) -> Files:
    return {file: file.stat().st_mtime_ns for file in files}


def _types(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    described = connection.execute(f"describe from {table}").fetchall()
    return {name: _SAME_TYPE.get(kind, kind) for name, kind, *_ in described}
