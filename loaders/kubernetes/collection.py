"""Collections: what `collection.json` lists, and whether the files match it."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Final
from zipfile import BadZipFile, ZipFile

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.tables import FIRST_YEAR, PARTS

INDEX: Final = "collection.json"
ARCHIVE: Final = "collection.zip"
"""A whole collection in one file, as in a bucket."""
FORMAT: Final = 1
TABLES: Final = tuple(PARTS["raw_kubernetes"])
LATER: Final = frozenset({"namespaces"})
"""Tables that collections of earlier versions lack."""
_HOURS: Final = re.compile(r"(\d{8}T\d{2})_(\d{8}T\d{2})(?:_\d{8}T\d{12})?")
REJECTS: Final = "rejects"
"""The table of what was left out and why; a collection may do without."""


@dataclass(frozen=True)
class Collection:
    """What was collected from one cluster over a window of hours.

    Attributes:
        collection_id: The hash of `collection.json`, which holds the hashes of the files.
        directory: Its directory.
        cluster: The cluster's name.
        first_hour: The window's first hour, plain UTC.
        end_hour: The hour after the window's last.
        collected_at: When it was collected, plain UTC.
        files: Table -> the index's entry for its file: `name`, `rows`, `bytes`, `sha256`.
    """

    collection_id: str
    directory: Path
    cluster: str
    first_hour: datetime
    end_hour: datetime
    collected_at: datetime
    files: Mapping[str, Mapping[str, Any]]

    @property
    def last_hour(self) -> datetime:
        """The window's last hour."""
        return self.end_hour - timedelta(hours=1)

    @property
    def names(self) -> list[str]:
        """The names of its files, all beside its index."""
        return [PurePosixPath(str(file.get("name"))).name for file in self.files.values()]

    @property
    def name(self) -> str:
        """Its name in messages."""
        return f"{self.cluster} {self.first_hour:%Y-%m-%dT%H}/{self.end_hour:%Y-%m-%dT%H}"


def hours_of(directory: str) -> tuple[datetime, datetime] | None:
    """The first hour and the one after the last that a collection's directory is named after."""
    found = _HOURS.fullmatch(directory)
    return (datetime.fromisoformat(found[1]), datetime.fromisoformat(found[2])) if found else None


def collections_of(root: Path, cluster: str) -> Iterator[tuple[Path, datetime, datetime]]:
    """The index of every collection of a cluster, its first hour and the one after its last.

    A directory without an index is no collection.
    """
    below = root / f"cluster={cluster}"
    for directory in sorted(below.iterdir()) if below.is_dir() else ():
        if (hours := hours_of(directory.name)) and (directory / INDEX).is_file():
            yield directory / INDEX, *hours


def pack(directory: Path, archive: Path) -> None:
    """Writes a collection into one file. Parquet is compressed: the file is not."""
    with ZipFile(archive, "w") as packed:
        for file in sorted(directory.iterdir()):
            packed.write(file, file.name)


def unpack(archive: Path, directory: Path, *names: str) -> Path:
    """Takes a collection's files out of its archive, all or those of some names.

    Returns:
        The index.

    Raises:
        InfraspendError: It is no such archive.
    """
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with ZipFile(archive) as packed:
            for name in packed.namelist():
                if name == PurePosixPath(name).name and (not names or name in names):
                    packed.extract(name, directory)
    except (BadZipFile, OSError, RuntimeError) as error:
        raise InfraspendError(f"{archive} is no collection ({error}): collect it again") from error
    if not (directory / INDEX).is_file():
        raise InfraspendError(f"{archive} has no {INDEX}: collect it again")
    return directory / INDEX


def read_collection(index: Path) -> Collection:
    """The collection that an index describes.

    Raises:
        InfraspendError: The index has a format that this version does not read.
    """
    content = index.read_bytes()
    try:
        described = json.loads(content)
        if described["format"] != FORMAT:
            raise InfraspendError(
                f"{index} has format {described['format']!r}: this version reads {FORMAT}"
            )
        files = {str(file["table"]): dict(file) for file in described["files"]}
        collection = Collection(
            collection_id=hashlib.sha256(content).hexdigest(),
            directory=index.parent,
            cluster=str(described["cluster"]),
            first_hour=_utc(described["first_hour"]),
            end_hour=_utc(described["end_hour"]),
            collected_at=_utc(described["collected_at"]),
            files=files,
        )
    except (ValueError, TypeError, KeyError) as error:
        raise InfraspendError(f"{index} is no collection ({error!r}): collect it again") from error
    if missing := [table for table in TABLES if table not in files and table not in LATER]:
        raise InfraspendError(f"{index} lists no file for {', '.join(missing)}: collect it again")
    if collection.first_hour >= collection.end_hour:
        raise InfraspendError(f"{index} covers no hour: collect it again")
    if collection.first_hour.year < FIRST_YEAR:
        raise InfraspendError(
            f"{index} covers hours before {FIRST_YEAR} ({collection.name}): collect it again"
        )
    return collection


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
