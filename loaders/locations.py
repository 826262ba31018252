"""The locations that `--from` can name: a directory, or the part of an S3 bucket below a prefix.

A file's name is its path below the location, with `/` between its parts. Names are not trusted (a
manifest may have any), so a name that leads out of the location is refused.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from infraspend.loaders.errors import InfraspendError


@dataclass(frozen=True)
class File:
    """A file in a location, as it was when it was listed.

    Attributes:
        name: Its path below the location.
        bytes: Its size.
        modified: When it was written, plain UTC.
        version: A text that changes when the file is replaced: the ETag, or inode, size and time.
    """

    name: str
    bytes: int
    modified: datetime
    version: str


class MissingFileError(InfraspendError):
    """A file is missing; it may still arrive."""


class ReplacedFileError(InfraspendError):
    """A file was replaced between listing and reading it: list it again."""


class Location(Protocol):
    """A location of deliveries: the only part of a loader that knows how bytes are read."""

    def files(self, wanted: Callable[[str], bool]) -> Iterator[File]:
        """Every file whose name is wanted, however deep, in the order of the names."""

    def url(self, name: str) -> str:
        """The full path or URL of a file."""

    def read(self, name: str) -> bytes:
        """The content of a small file.

        Raises:
            MissingFileError: There is no such file.
        """

    def stat(self, name: str) -> File:
        """A file as it is now.

        Raises:
            MissingFileError: There is no such file.
            InfraspendError: The name leads out of the location.
        """

    def fetch(self, file: File, to: Path) -> None:
        """Makes a file readable at the path `to`, exactly as `file` describes it.

        Raises:
            MissingFileError: It was deleted.
            ReplacedFileError: It was replaced meanwhile.
            InfraspendError: It cannot be read.
        """


@dataclass(frozen=True)
class Directory:
    """A directory on this machine."""

    root: Path

    def files(self, wanted: Callable[[str], bool]) -> Iterator[File]:
        """Every file whose name is wanted, however deep, in the order of the names."""
        for folder, folders, names in os.walk(self.root):
            folders.sort()
            for name in sorted(names):
                path = Path(folder) / name
                below = path.relative_to(self.root).as_posix()
                # A broken link is no file; one that leads out is refused when it is read.
                if wanted(below) and path.is_file():
                    yield _file(below, path)

    def url(self, name: str) -> str:
        """The whole path of a file."""
        return (self.root / name).as_posix()

    def read(self, name: str) -> bytes:
        """The content of a small file."""
        return self._inside(name).read_bytes()

    def stat(self, name: str) -> File:
        """A file as it is now."""
        return _file(name, self._inside(name))

    def fetch(self, file: File, to: Path) -> None:
        """Links to a file from `to`."""
        if self.stat(file.name).version != file.version:
            raise ReplacedFileError(f"{self.url(file.name)} was replaced: run this again")
        # A link under a name of ours: DuckDB would read [ ] * ? in the original as a pattern.
        to.symlink_to(self._inside(file.name))

    def _inside(self, name: str) -> Path:
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root):
            raise InfraspendError(f"{name} leads out of {self.root}: it is not read")
        if not path.is_file():
            raise MissingFileError(f"{self.root / name} is not there: copy the whole delivery")
        return path


def _file(name: str, path: Path) -> File:
    stat = path.stat()
    modified = datetime.fromtimestamp(stat.st_mtime, UTC).replace(tzinfo=None)
    return File(name, stat.st_size, modified, f"{stat.st_ino}-{stat.st_size}-{stat.st_mtime_ns}")
