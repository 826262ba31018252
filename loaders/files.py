"""Data files, verified before they are read.

DuckDB reads a damaged file without an error (it does not check gzip's CRC), so Python's zlib and a
hash verify the bytes first.
"""

import csv
import gzip
import hashlib
import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import duckdb

from infraspend.loaders.errors import InfraspendError, first_line
from infraspend.loaders.sql import literal

_CHUNK: Final = 1 << 20

MOST_UNPACKED: Final = 256 << 20
"""How many bytes a packed file may unpack to, whatever its size."""

MOST_EXPANSION: Final = 100
"""How many times its size a packed file may unpack to beyond that. Real reports stay below 40."""

MOST_ROWS: Final = 1 << 20
"""How many rows a Parquet footer may claim, whatever the file's size; beyond that one per byte."""


@dataclass(frozen=True)
class DataFile:
    """A verified data file.

    Attributes:
        name: Its name in messages.
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


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Writable(Protocol):
    def write(self, content: bytes, /) -> int: ...


class _Hashing(io.RawIOBase):
    """Hashes a file's bytes while they are read."""

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
        InfraspendError: The file is damaged, cut short, unpacks to far more than a report would,
            or has no header row.
    """
    with path.open("rb") as raw:
        hashing = _Hashing(raw)
        try:
            with gzip.GzipFile(fileobj=io.BufferedReader(hashing, _CHUNK)) as content:
                header = _drain(name, content, path.stat().st_size, None)
        except (EOFError, OSError, zlib.error, UnicodeDecodeError) as error:
            raise _damaged(name, error) from error
    return DataFile(name, path, hashing.count, hashing.hash.hexdigest(), _columns(name, header))


def verify_csv(name: str, path: Path) -> DataFile:
    """Reads a CSV file to its end: its hash and its header row.

    Raises:
        InfraspendError: The file cannot be read, or has no header row.
    """
    with path.open("rb") as raw:
        hashing = _Hashing(raw)
        try:
            header = _drain(name, io.BufferedReader(hashing, _CHUNK), path.stat().st_size, None)
        except OSError as error:
            raise _damaged(name, error) from error
    return DataFile(name, path, hashing.count, hashing.hash.hexdigest(), _columns(name, header))


def unpack_csv_zip(name: str, path: Path, to: Path) -> DataFile:
    """Unpacks the one CSV file that a zip file holds: its checksum, its length and its header row.

    Args:
        name: Its name in messages.
        path: The zip file.
        to: Where the CSV file goes; the `path` of what is returned.

    Raises:
        InfraspendError: The file is damaged, unpacks to far more than a report would, holds
            anything but one file, or has no header row.
    """
    with path.open("rb") as raw:
        digest = hashlib.file_digest(raw, "sha256").hexdigest()
        size = raw.tell()
    try:
        with zipfile.ZipFile(path) as packed:
            members = [member for member in packed.infolist() if not member.is_dir()]
            if len(members) != 1:
                raise InfraspendError(
                    f"{name} holds {len(members)} files and not one: look into it"
                )
            with packed.open(members[0]) as content, to.open("wb") as target:
                header = _drain(name, content, size, target)
    except (
        EOFError,
        NotImplementedError,
        OSError,
        RuntimeError,
        UnicodeDecodeError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise _damaged(name, error) from error
    return DataFile(name, to, size, digest, _columns(name, header))


def verify_parquet(name: str, path: Path, connection: duckdb.DuckDBPyConnection) -> DataFile:
    """Hashes a Parquet file and opens it.

    Args:
        name: Its name in messages.
        path: The file.
        connection: Opens it. A new connection per file takes longer than most files do.

    Raises:
        InfraspendError: The file is not Parquet, its footer is damaged, or it claims to unpack to
            far more than a report would.
    """
    with path.open("rb") as raw:
        digest = hashlib.file_digest(raw, "sha256").hexdigest()
        size = raw.tell()
    file = literal(str(path))
    try:
        described = connection.execute(f"describe select * from read_parquet({file})").fetchall()
        ((rows, unpacked),) = connection.execute(
            "select num_rows, (select coalesce(sum(total_uncompressed_size), 0)"
            f" from parquet_metadata({file})) from parquet_file_metadata({file})"
        ).fetchall()
    except duckdb.Error as error:
        raise InfraspendError(f"{name} is damaged ({first_line(error)}): copy it again") from error
    if rows > max(MOST_ROWS, size):
        raise InfraspendError(
            f"{name} has {size} bytes and says it has {rows} rows: no report has more rows than"
            " bytes, so it is not read"
        )
    _check_expansion(name, size, int(unpacked))
    columns = tuple((str(row[0]), str(row[1])) for row in described)
    return DataFile(name, path, size, digest, columns)


def unreadable_line(file: DataFile, *, packed: bool) -> str | None:
    """The first line of a CSV file that has other columns than its header, or is not UTF-8.

    Args:
        file: The file.
        packed: Whether it is a gzip file.

    Returns:
        The row (the first below the header is 1), the column and the value; None if no line is.
    """
    header = [column for column, _ in file.columns]
    # Invalid UTF-8 is kept as surrogates, so that it can be found and shown.
    opened = gzip.open if packed else open
    with opened(
        file.path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline=""
    ) as text:
        lines = csv.reader(text)
        try:
            for row, line in enumerate(lines):
                if len(line) != len(header):
                    return f"row {row}: it has {len(line)} columns and the header {len(header)}"
                for column, value in zip(header, line, strict=True):
                    if any("\udc80" <= letter <= "\udcff" for letter in value):
                        given = value.encode("utf-8", "surrogateescape")
                        return f"row {row}: {column} is {given!r}, which is not UTF-8"
        except csv.Error as error:
            return f"row {row + 1}: {error}"
    return None


def _drain(name: str, content: _Readable, packed: int, target: _Writable | None) -> list[str]:
    """Reads unpacked CSV to its end, copies it to `target`, and returns its header row."""
    head = b""
    unpacked = 0
    while chunk := content.read(_CHUNK):
        unpacked += len(chunk)
        _check_expansion(name, packed, unpacked)
        if len(head) < _CHUNK:
            head += chunk
        if target is not None:
            target.write(chunk)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InfraspendError(f"{name} is written in UTF-16: have it written in UTF-8")
    # A header row is some kilobytes; the rest may be cut inside a character.
    text = io.StringIO(head.decode("utf-8-sig", errors="ignore"), newline="")
    return next(csv.reader(text), [])


def _check_expansion(name: str, packed: int, unpacked: int) -> None:
    most = max(MOST_UNPACKED, MOST_EXPANSION * packed)
    if unpacked > most:
        raise InfraspendError(
            f"{name} has {packed} bytes and unpacks to more than {most}: no report is packed"
            " as tightly, so it is not read"
        )


def _columns(name: str, header: list[str]) -> tuple[tuple[str, str], ...]:
    if not any(header):
        raise InfraspendError(f"{name} has no header row: copy it again")
    return tuple((column, "VARCHAR") for column in header)


def _damaged(name: str, error: Exception) -> InfraspendError:
    return InfraspendError(
        f"{name} is damaged ({error}): copy it again, or wait for the next delivery"
    )
