"""Published files: their location, and how each of their formats is read as text."""

import csv
import gzip
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Final

import duckdb

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.files import verify_csv_gz
from infraspend.loaders.sql import csv_call, literal

SUFFIXES: Final = (".csv", ".csv.gz", ".jsonl", ".parquet")


@dataclass(frozen=True)
class Publication:
    """A file that a platform owner published.

    Attributes:
        path: Its location.
        name: Its name below the root, `<platform>/...`.
        platform: The platform, by the name of the folder. sha256: The hash of its bytes, in hex.
        bytes: Its size.
        published_at: When it was written, plain UTC.
    """

    path: Path
    name: str
    platform: str
    sha256: str
    bytes: int
    published_at: datetime

    @property
    def delivery_id(self) -> str:
        """The same for the same content under the same name, and only then."""
        return hashlib.sha256(f"{self.name}\0{self.sha256}".encode()).hexdigest()


def published_files(root: Path) -> Iterator[Path]:
    """Every file under a directory that has one of the known suffixes."""
    for folder, folders, files in os.walk(root):
        folders.sort()
        for file in sorted(files):
            if file.endswith(SUFFIXES) and not file.startswith("."):
                yield Path(folder) / file


def passed_over(name: str) -> bool:
    """Whether a file of this name is not a published one; hidden files are ignored."""
    return not name.endswith(SUFFIXES) and not name.rpartition("/")[2].startswith(".")


def read_publication(root: Path, path: Path) -> Publication:
    """The description of a file, without its rows.

    Raises:
        InfraspendError: It is in no platform's folder, or its gzip is damaged.
    """
    name = path.relative_to(root).as_posix()
    platform, _, below = name.partition("/")
    if not below:
        raise InfraspendError(f"{path} lies in no platform's folder: move it to {root}/<platform>/")
    if path.name.endswith(".gz"):
        digest = verify_csv_gz(str(path), path).sha256
    else:
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
    stat = path.stat()
    return Publication(
        path=path,
        name=name,
        platform=platform,
        sha256=digest,
        bytes=stat.st_size,
        published_at=datetime.fromtimestamp(stat.st_mtime, UTC).replace(tzinfo=None),
    )


def reader(
    connection: duckdb.DuckDBPyConnection, path: Path, link: Path
) -> tuple[str, dict[str, str]]:
    """A table function call that reads a file, and the file's columns with their types.

    Args:
        connection: Where the call will be made.
        path: The file.
        link: A path under which to read it, without characters that DuckDB takes for a pattern.
    """
    link.symlink_to(path)
    file = literal(str(link))
    if path.name.endswith(".parquet"):
        call = f"read_parquet({file})"
    elif path.name.endswith(".jsonl"):
        found = connection.execute(
            "select distinct unnest(json_keys(json)) from"
            f" read_json_objects({file}, format = 'newline_delimited')"
        ).fetchall()
        # Every value as its text, so that no digit is lost.
        types = ", ".join(f"{literal(str(name))}: 'VARCHAR'" for (name,) in sorted(found))
        call = f"read_json({file}, format = 'newline_delimited', columns = {{{types}}})"
    else:
        compression = "gzip" if path.name.endswith(".gz") else "none"
        call = csv_call([link], _header(path), compression)
    described = connection.execute(f"describe select * from {call}").fetchall()
    return call, {str(row[0]): str(row[1]) for row in described}


def csv_rows(path: Path) -> Iterator[list[str]]:
    """The rows of a CSV as texts, its header first; one without cells is an empty line."""
    binary = gzip.open if path.name.endswith(".gz") else open
    with binary(path, "rb") as content:
        yield from csv.reader(TextIOWrapper(content, encoding="utf-8-sig", newline=""))


def _header(path: Path) -> list[str]:
    header = next(csv_rows(path), [])
    if not any(header):
        raise InfraspendError(f"{path} is empty: publish it again")
    return header
