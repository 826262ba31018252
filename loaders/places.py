"""The locations that `--from` can name: a directory, or the part of an S3 bucket below a prefix.

A file's name is its path below the location, with `/` between its parts. Names are not trusted (a
manifest may have any), so a name that leads out of the location is refused.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from infraspend.loaders.errors import InfraspendError

if TYPE_CHECKING:
    from infraspend.loaders.s3 import Bucket


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


class Place(Protocol):
    """A location of deliveries: the only part of a loader that knows how bytes are read."""

    def files(self, wanted: Callable[[str], bool]) -> Iterator[File]:
        """Every file whose name is wanted, however deep, in the order of the names."""

    def location(self, name: str) -> str:
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

    def location(self, name: str) -> str:
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
            raise ReplacedFileError(f"{self.location(file.name)} was replaced: run this again")
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


def open_place(url: str) -> Place:
    """The location that a path, a `file://` URL or an `s3://` URL names.

    Raises:
        InfraspendError: It names no directory or bucket, or a kind of location that is not
            supported.
    """
    return open_bucket(url) if url.startswith("s3://") else Directory(local_directory(url))


def open_bucket(url: str) -> "Bucket":
    """The part of a bucket that an `s3://` URL names.

    Raises:
        InfraspendError: It names no bucket.
    """
    parsed = urlsplit(url)
    if "@" in parsed.netloc or parsed.query or parsed.fragment or not parsed.netloc:
        raise InfraspendError(
            f"{parsed.scheme}://<bucket>/<prefix> is all that a URL may say: credentials come"
            " from AWS's own environment variables, profiles and roles"
        )
    # Imported here, so that reading a directory does not wait for boto3.
    from infraspend.loaders.s3 import Bucket

    # The / after the bucket is the URL's; one more is the first letter of the keys.
    prefix = unquote(parsed.path).removeprefix("/").rstrip("/")
    return Bucket.open(parsed.netloc, prefix)


def local_directory(url: str) -> Path:
    """The directory that a path or a `file://` URL names.

    Raises:
        InfraspendError: It names no directory, or another kind of location.
    """
    path = local_path(url)
    if path is None:
        raise InfraspendError(
            f"{urlsplit(url).scheme}:// cannot be read: deliveries are read from a directory, a"
            " file:// URL or an s3:// URL"
        )
    if not path.is_dir():
        raise InfraspendError(f"{path} is not a directory: --from takes one that holds deliveries")
    return path.resolve()


def local_path(url: str) -> Path | None:
    """The path that a path or a `file://` URL names; None for another kind of location."""
    if "://" not in url:
        return Path(url)
    parsed = urlsplit(url)
    return Path(unquote(parsed.path)) if parsed.scheme == "file" else None


def as_directory(url: str, copy: Path, wanted: Callable[[str], bool]) -> Path:
    """The directory that a URL names; a bucket is copied first.

    For loaders that read all of the files anyway.

    Args:
        url: A path, a `file://` URL or an `s3://` URL.
        copy: A directory for the copy, created if needed.
        wanted: Which names below the URL to copy.

    Raises:
        InfraspendError: It names nothing that can be read.
    """
    if not url.startswith("s3://"):
        return local_directory(url)
    place = open_place(url)
    for file in place.files(wanted):
        at_hand(place, file, copy)
    return copy_of(place, copy)


def at_hand(place: Place, file: File, copy: Path) -> Path:
    """The path of a file on this machine; a file in a bucket is copied first.

    Args:
        place: Its location.
        file: The file.
        copy: A directory for copies, created if needed.

    Raises:
        InfraspendError: It cannot be read, or its name leads out of the location.
    """
    if isinstance(place, Directory):
        return place.root / file.name
    root = copy_of(place, copy)
    root.mkdir(parents=True, exist_ok=True)
    target = (root / file.name).resolve()
    if not target.is_relative_to(root.resolve()):
        where = place.location("")
        raise InfraspendError(f"{place.location(file.name)} leads out of {where}: rename it")
    target.parent.mkdir(parents=True, exist_ok=True)
    place.fetch(file, target)
    written = file.modified.replace(tzinfo=UTC).timestamp()
    os.utime(target, (written, written))
    return target


def copy_of(place: Place, copy: Path) -> Path:
    """The directory of a bucket's copies: its path reads like the URL, because messages show it."""
    return copy / "s3" / place.location("").removeprefix("s3://").strip("/")
