"""Writes collections: a file per table, hour by hour, and the index that completes them."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from infraspend.loaders.clock import utc_now
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.kubernetes.collection import FORMAT, INDEX, REJECTS, TABLES
from infraspend.loaders.tables import TABLES as RAW_TABLES
from infraspend.loaders.tables import decimal_digits

_HOUR: Final = timedelta(hours=1)
_TYPES: Final = {
    "varchar": pa.string(),
    "json": pa.string(),
    "bigint": pa.int64(),
    "timestamp": pa.timestamp("us"),
}


def schema_of(table: str) -> pa.Schema:
    """The columns of a table's file."""
    if table == REJECTS:
        return pa.schema(
            [("usage_hour", _TYPES["timestamp"]), ("cluster", pa.string()), ("reason", pa.string())]
        )
    return pa.schema(
        [
            (name, _TYPES[kind] if kind in _TYPES else pa.decimal128(*decimal_digits(kind)))
            for name, kind in RAW_TABLES["raw_kubernetes"][table].items()
            if name != "_collection_id"
        ]
    )


class CollectionWriter:
    """Writes a collection of hours that follow each other.

    Until `finish` has written the index, it is no collection and is not read.
    """

    def __init__(
        self, root: Path, cluster: str, first_hour: datetime, collected_at: datetime | None = None
    ) -> None:
        """Starts a collection.

        Args:
            root: The directory of collections.
            cluster: The cluster's name.
            first_hour: The first hour, plain UTC.
            collected_at: When it is collected, plain UTC; now by default.

        Raises:
            InfraspendError: The cluster's name cannot be a directory's.
        """
        if "/" in cluster or "\0" in cluster:
            raise InfraspendError(f"cluster {cluster!r}: a cluster's name cannot contain a slash")
        self._cluster = cluster
        self._first_hour = first_hour
        self.end_hour = first_hour
        self._collected_at = collected_at or utc_now()
        parent = root / f"cluster={cluster}"
        parent.mkdir(parents=True, exist_ok=True)
        self._directory = Path(mkdtemp(prefix=".collecting-", dir=parent))
        self._directory.chmod(0o755)
        self._rows = dict.fromkeys((*TABLES, REJECTS), 0)
        self._writers = {
            table: pq.ParquetWriter(self._file(table), schema_of(table), compression="zstd")
            for table in self._rows
        }

    def add(self, hour: datetime, tables: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        """Adds the rows of the hour that follows the last one added."""
        for table, rows in tables.items():
            written = pa.Table.from_pylist(list(rows), schema=schema_of(table))
            if written.num_rows:
                self._writers[table].write_table(written)
                self._rows[table] += written.num_rows
        self.end_hour = hour + _HOUR

    def finish(self) -> Path:
        """Moves the collection beside the existing ones and returns its directory."""
        files = []
        for table, writer in self._writers.items():
            writer.close()
            path = self._file(table)
            with path.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            files.append(
                {
                    "table": table,
                    "name": path.name,
                    "rows": self._rows[table],
                    "bytes": path.stat().st_size,
                    "sha256": digest,
                }
            )
        index = {
            "format": FORMAT,
            "cluster": self._cluster,
            "first_hour": f"{self._first_hour.isoformat()}Z",
            "end_hour": f"{self.end_hour.isoformat()}Z",
            "collected_at": f"{self._collected_at.isoformat()}Z",
            "files": files,
        }
        directory = self._move()
        part = directory / f".{INDEX}"
        part.write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
        part.replace(directory / INDEX)
        return directory

    def abandon(self) -> None:
        """Removes what was written so far."""
        for writer in self._writers.values():
            writer.close()
        rmtree(self._directory)

    def _file(self, table: str) -> Path:
        return self._directory / f"{table}.parquet"

    def _move(self) -> Path:
        """Gives the directory its name, which contains its hours and is unique."""
        hours = f"{self._first_hour:%Y%m%dT%H}_{self.end_hour:%Y%m%dT%H}"
        directory = self._directory.with_name(hours)
        if directory.exists():
            directory = directory.with_name(f"{hours}_{self._collected_at:%Y%m%dT%H%M%S%f}")
        return self._directory.rename(directory)
