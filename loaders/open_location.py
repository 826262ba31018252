"""Opens the location that a URL names, and brings its files to this machine."""

import os
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.locations import Directory, File, Location

if TYPE_CHECKING:
    from infraspend.loaders.s3 import Bucket


def open_location(url: str) -> Location:
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
    location = open_location(url)
    for file in location.files(wanted):
        at_hand(location, file, copy)
    return copy_of(location, copy)


def at_hand(location: Location, file: File, copy: Path) -> Path:
    """The path of a file on this machine; a file in a bucket is copied first.

    Args:
        location: Its location.
        file: The file.
        copy: A directory for copies, created if needed.

    Raises:
        InfraspendError: It cannot be read, or its name leads out of the location.
    """
    if isinstance(location, Directory):
        return location.root / file.name
    root = copy_of(location, copy)
    root.mkdir(parents=True, exist_ok=True)
    target = (root / file.name).resolve()
    if not target.is_relative_to(root.resolve()):
        where = location.url("")
        raise InfraspendError(f"{location.url(file.name)} leads out of {where}: rename it")
    target.parent.mkdir(parents=True, exist_ok=True)
    location.fetch(file, target)
    written = file.modified.replace(tzinfo=UTC).timestamp()
    os.utime(target, (written, written))
    return target


def copy_of(location: Location, copy: Path) -> Path:
    """The directory of a bucket's copies: its path reads like the URL, because messages show it."""
    return copy / "s3" / location.url("").removeprefix("s3://").strip("/")
