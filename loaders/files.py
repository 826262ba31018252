"""Data files, verified before anything is read out of them.

DuckDB sums up a damaged file without complaint (it does not check gzip's CRC), so the bytes go
through Python's zlib and a hash first.
"""

import csv
import gzip
import hashlib
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from loaders.errors import InfraspendError
from loaders.sql import literal

_CHUNK: Final = 1 << 20


@dataclass(frozen=True)
class DataFile:
    """A verified data file.

    Attributes:
        name: What to call it in messages.
        path: Where it can be read.
        bytes: Its size as delivered.
        sha256: The hash of its bytes, in hex.
        columns: Its columns in their order: name and DuckDB type.
    """

    name: str
    path: Path
    bytes: int
    sha256: str
    columns: tuple[tuple[str, str], ...]


class _Hashing(io.RawIOBase):
    """Passes a file's bytes on and hashes them on the way."""

    def __init__(self, raw: io.BufferedReader) -> None:
        self._raw = raw
        self.hash = hashlib.sha256()
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        size = self._raw.readinto(view)
        self.hash.update(view[:size])
        self.count += size
        return size


def verify_csv_gz(name: str, path: Path) -> DataFile:
    """Reads a gzip file to its end: its checksum, its length, its hash and its header row.

    Raises:
        InfraspendError: The file is damaged, cut short, or has no header row.
    """
    with path.open("rb") as raw:
        hashing = _Hashing(raw)
        try:
            with gzip.GzipFile(fileobj=io.BufferedReader(hashing, _CHUNK)) as content:
                text = io.TextIOWrapper(content, encoding="utf-8-sig", newline="")
                header = next(csv.reader(text), [])
                while content.read(_CHUNK):
                    pass
        except (EOFError, OSError, zlib.error, UnicodeDecodeError) as error:
            raise InfraspendError(
                f"{name} is damaged ({error}): copy it again, or wait for the next delivery"
            ) from error
    if not any(header):
        raise InfraspendError(f"{name} has no header row: copy it again")
    columns = tuple((column, "VARCHAR") for column in header)
    return DataFile(name, path, hashing.count, hashing.hash.hexdigest(), columns)


def verify_parquet(name: str, path: Path, connection: duckdb.DuckDBPyConnection) -> DataFile:
    """Hashes a Parquet file and opens it.

    Args:
        name: What to call it in messages.
        path: The file.
        connection: Opens it. Making one for every file takes longer than most files do.

    Raises:
        InfraspendError: The file is not Parquet, or its footer is damaged.
    """
    with path.open("rb") as raw:
        digest = hashlib.file_digest(raw, "sha256").hexdigest()
        size = raw.tell()
    try:
        described = connection.execute(
            f"describe select * from read_parquet({literal(str(path))})"
        ).fetchall()
    except duckdb.Error as error:
        raise InfraspendError(
            f"{name} is damaged ({str(error).splitlines()[0]}): copy it again"
        ) from error
    columns = tuple((str(row[0]), str(row[1])) for row in described)
    return DataFile(name, path, size, digest, columns)
