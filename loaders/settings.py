"""What a warehouse notes about itself: `pipeline.settings`, a name and a text in each row.

It has the directory of the seeds, what the last good build was made from, and the version of
Infraspend that opened the warehouse last.
"""

from importlib.metadata import version
from typing import Final

import duckdb

VERSION: Final = "version"
"""The setting that says which version of Infraspend loaded last."""

THIS_VERSION: Final = version("infraspend")


def setting(connection: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """What was noted under a name; None where nothing was.

    Args:
        connection: One whose current database is the warehouse.
        name: Names the setting.
    """
    found = connection.execute(
        "select count(*) from duckdb_tables() where database_name = current_database()"
        " and schema_name = 'pipeline' and table_name = 'settings'"
    ).fetchone()
    if found == (0,):
        return None
    row = connection.execute(
        "select value from pipeline.settings where name = ?", [name]
    ).fetchone()
    return str(row[0]) if row else None


def note_setting(connection: duckdb.DuckDBPyConnection, name: str, value: str) -> None:
    """Notes a text, in the place of the one before.

    Args:
        connection: One whose current database is the warehouse.
        name: Names the setting.
        value: The text.
    """
    connection.execute("create schema if not exists pipeline")
    connection.execute(
        "create table if not exists pipeline.settings"
        " (name varchar primary key, value varchar not null)"
    )
    connection.execute("insert or replace into pipeline.settings values (?, ?)", [name, value])
