"""The target of publishing: a directory, or a bucket by way of a temporary directory.

In a bucket an object is replaced atomically, and the file that readers open first is written last.
A list of the written objects is beside them, so that a later run removes obsolete ones and never
touches other objects.
"""

import mimetypes
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.locations import MissingFileError
from infraspend.loaders.open_location import local_path, open_bucket
from infraspend.loaders.result import Progress, silent

if TYPE_CHECKING:
    from infraspend.loaders.s3 import Bucket

_AT_ONCE = 8
# The suffixes of published files; no other file is ever removed.
_WRITTEN = re.compile(
    r"infraspend\.duckdb|(marts/\w+|focus\w*)(/(billing_period|usage_month)=[\w-]+/data_\d+)?\.parquet"
    r"|((teams|services)/)?[\w-]+\.html|assets/[\w.-]+|\.infraspend-dashboard"
)
# So that a page never loads a style sheet or a script of another version.
_NOT_KEPT = "no-cache"


@contextmanager
def open_target(to: str, kind: str, first: str, progress: Progress = silent) -> Iterator[Path]:
    """The directory to write to; its files are sent to the bucket, if `to` names one.

    Args:
        to: A path, a `file://` URL or an `s3://` URL.
        kind: What is written, such as `dashboard`: each kind has a list of its own.
        first: The file that readers open first, such as `index.html`.
        progress: Gets the number of objects sent.

    Raises:
        InfraspendError: It is another kind of location, has files of the same names that somebody
            else wrote, or cannot be written to.
    """
    if not to.startswith("s3://"):
        path = local_path(to)
        if path is None:
            raise InfraspendError(f"{to}: name a directory, a file:// URL or an s3:// URL")
        yield path
        return
    bucket = open_bucket(to)
    with TemporaryDirectory(prefix="infraspend-") as folder:
        target = Path(folder) / kind
        yield target
        _send(bucket, target, f".infraspend-{kind}.txt", first, progress)


def _send(bucket: "Bucket", folder: Path, list_name: str, first: str, progress: Progress) -> None:
    """Sends every file of a folder, then removes the objects that an earlier run wrote."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    # All but the lock of the run.
    files = {name: path for name, path in found.items() if _WRITTEN.fullmatch(name)}
    before = _listed(bucket, list_name)
    foreign = {file.name for file in bucket.files(lambda name: name in files)} - before
    if foreign:
        raise InfraspendError(
            f"{bucket.url(min(foreign))} was written by somebody else: name another --to"
        )
    # From here on, the next run knows every object, also after a failure.
    _note(bucket, folder, list_name, before | files.keys())
    progress(f"{len(files):,} objects to {bucket.url('')}")
    others = sorted(files.keys() - {first})
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        list(threads.map(lambda name: _put(bucket, files[name], name), others))
    if first in files:
        _put(bucket, files[first], first)
    for name in sorted(before - files.keys()):
        bucket.delete(name)
    _note(bucket, folder, list_name, set(files))


def _put(bucket: "Bucket", path: Path, name: str) -> None:
    """Sends a file, with its MIME type and cache time."""
    content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    bucket.put(path, name, content_type=content_type, cache_control=_NOT_KEPT)


def _listed(bucket: "Bucket", list_name: str) -> set[str]:
    """The objects that earlier runs wrote.

    Raises:
        InfraspendError: The list names objects that no run writes: somebody else wrote it.
    """
    try:
        names = set(bucket.read(list_name).decode(errors="replace").splitlines())
    except MissingFileError:
        return set()
    if strange := sorted(name for name in names if not _WRITTEN.fullmatch(name)):
        raise InfraspendError(
            f"{bucket.url(list_name)} names {strange[0]!r}, which is never published: look who"
            " wrote the list, and remove it"
        )
    return names


def _note(bucket: "Bucket", folder: Path, list_name: str, names: set[str]) -> None:
    """Writes the list of objects."""
    path = folder.with_name(list_name)
    path.write_text("".join(f"{name}\n" for name in sorted(names)))
    bucket.put(path, list_name, content_type="text/plain; charset=utf-8")
