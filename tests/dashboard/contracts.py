"""Empty marts in the shapes of the models' contracts, and the browsers that may be there."""

from pathlib import Path

import duckdb
import yaml

from tests.workspaces import ROOT

BROWSERS = (Path("/usr/bin/chromium"), Path("/usr/bin/google-chrome"))

_TYPES = {"string": "varchar", "int": "integer"}


def create_marts(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes every published mart that is not there, without rows, and the table `build`."""
    connection.execute("create table if not exists build as select now()::timestamp published_at")
    connection.execute("create schema if not exists marts")
    for path in sorted((ROOT / "models" / "marts").glob("*.yml")):
        (model,) = yaml.safe_load(path.read_text())["models"]
        columns = ", ".join(
            f"{column['name']} {_TYPES.get(column['data_type'], column['data_type'])}"
            for column in model["columns"]
        )
        connection.execute(f"create table if not exists marts.{model['name']} ({columns})")
