"""Collections as `infraspend track` writes them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from infraspend.loaders.tables import PARTS, TABLES
from tests.loaders.bills import moment

Row = Mapping[str, object]

# One pod on one node for an hour; a test changes what it is about.
POD = {
    "namespace": "api",
    "node": "node-1",
    "instance_type": "m5.xlarge",
    "pod": "api-1",
    "uid": "1",
    "container": "main",
    "running_hours": 1.0,
    "cpu_request_core_hours": 0.1,
}


def collect(
    root: Path,
    *,
    cluster: str = "blue",
    first: str = "2026-11-01 00:00",
    end: str = "2026-11-01 02:00",
    collected_at: str = "2026-11-01T02:05:00Z",
    rows: Mapping[str, Sequence[Row]] | None = None,
) -> Path:
    """Writes a collection and returns its directory.

    Args:
        root: Where collections lie.
        cluster: The cluster.
        first: The first hour.
        end: The hour after the last.
        collected_at: When it was collected.
        rows: Table -> rows, each with `usage_hour`; a pod in either hour by default.
    """
    if rows is None:
        rows = {"container_hours": [POD | {"usage_hour": first}]}
    hours = f"{moment(first):%Y%m%dT%H}_{moment(end):%Y%m%dT%H}"
    directory = root / f"cluster={cluster}" / hours
    directory.mkdir(parents=True, exist_ok=True)
    files = []
    for table in PARTS["raw_kubernetes"]:
        file = directory / f"{table}.parquet"
        table_rows = rows.get(table, ())
        write_table(file, table, [{"cluster": cluster} | dict(row) for row in table_rows])
        content = file.read_bytes()
        files.append(
            {
                "table": table,
                "name": file.name,
                "rows": len(table_rows),
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        )
    index = {
        "format": 1,
        "cluster": cluster,
        "first_hour": f"{moment(first).isoformat()}Z",
        "end_hour": f"{moment(end).isoformat()}Z",
        "collected_at": collected_at,
        "files": files,
    }
    (directory / "collection.json").write_text(json.dumps(index))
    return directory


def write_table(file: Path, table: str, rows: Sequence[Row]) -> None:
    """Writes rows with a table's columns; amounts as doubles, so that they can be NaN."""
    columns = {
        name: "double" if kind.startswith("decimal") else kind
        for name, kind in TABLES["raw_kubernetes"][table].items()
        if not name.startswith("_")
    }
    with duckdb.connect() as connection:
        types = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.execute(f"create table collected ({types})")
        for row in rows:
            values = ", ".join("?" for _ in columns)
            connection.execute(
                f"insert into collected values ({values})", [row.get(name) for name in columns]
            )
        connection.execute(f"copy collected to '{file}' (format parquet)")
