"""The two kinds of storage of a lake, as file systems for dlt and for DuckDB.

dlt writes to a bucket through `fsspec`, whose S3 file system needs aiobotocore, which pins an
older botocore. So a lake has file systems of its own: a directory, and a bucket that boto3 reaches
as it does everywhere else here. In both a file appears atomically under its name, on stable
storage: a killed run leaves no partial file for a reader.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import uuid4

import boto3
import fsspec
from botocore.exceptions import ClientError
from dlt.common.storages.fsspec_filesystem import MTIME_DISPATCH
from fsspec.implementations.local import LocalFileSystem
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.locations import MissingFileError
from infraspend.loaders.s3 import CONFIG, explaining
from infraspend.loaders.warehouse import checkpoint

DIRECTORY: Final = "lake-directory"
BUCKET: Final = "lake-s3"
"""The schemes under which dlt and DuckDB know the file systems."""

_MOST_AT_ONCE: Final = 1000
"""How many objects S3 deletes in one request."""


class LakeFiles(Protocol):
    """The interface of a lake's storage; a path is absolute, or begins with the bucket.

    Attributes:
        protocol: The scheme of its URLs.
    """

    protocol: str

    @property
    def shared(self) -> dict[str, Any]:
        """The arguments that dlt passes to further instances of this file system."""

    def below(self, prefix: str) -> list[str]:
        """Every file whose path begins with a text, in their order."""

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""

    def cat_file(self, path: str) -> bytes:
        """The content of a file.

        Raises:
            FileNotFoundError: There is no such file.
        """

    def pipe_file(self, path: str, value: bytes) -> None:
        """Writes a file atomically, replacing an existing one."""

    def put_file(self, lpath: str, rpath: str) -> None:
        """Copies a local file atomically, replacing an existing one."""

    def remove(self, paths: Sequence[str]) -> None:
        """Deletes files; a missing one is no error."""


class DirectoryFiles(LocalFileSystem):  # type: ignore[misc]
    """The local file system, with files that appear atomically.

    Args:
        arriving: A directory on the same disk for incomplete files; leftovers of a killed run are
            deleted when the lake is opened.
    """

    protocol = DIRECTORY
    cachable = False

    def __init__(self, arriving: str, **_: Any) -> None:
        super().__init__(auto_mkdir=True)
        self._arriving = Path(arriving)

    @property
    def shared(self) -> dict[str, Any]:
        """The directory of incomplete files."""
        return {"arriving": str(self._arriving)}

    def below(self, prefix: str) -> list[str]:
        """Every file whose path begins with a text."""
        root = prefix if Path(prefix).is_dir() else str(Path(prefix).parent)
        return sorted(
            path
            for folder, _, names in os.walk(root)
            for path in (os.path.join(folder, name) for name in names)  # noqa: PTH118
            if path.startswith(prefix)
        )

    def glob(self, path: str, **_: Any) -> dict[str, dict[str, Any]]:
        """The files below a path that ends in `**`, the only pattern that dlt uses.

        Other characters of a path are literal.
        """
        found: dict[str, dict[str, Any]] = self.find(path.removesuffix("**"), detail=True)
        return found

    def put_file(self, lpath: str, rpath: str, **_: Any) -> None:
        """Copies a file, or links to it if it is on the same disk."""
        with self._appearing(rpath) as hidden:
            try:
                os.link(lpath, hidden)
            except OSError:
                shutil.copyfile(lpath, hidden)
        checkpoint("file_arrived")

    def pipe_file(self, path: str, value: bytes, **_: Any) -> None:
        """Writes a file."""
        with self._appearing(path) as hidden:
            hidden.write_bytes(value)

    def write_text(self, path: str, value: str, encoding: str | None = None, **_: Any) -> None:
        """Writes a file of text."""
        self.pipe_file(path, value.encode(encoding or "utf-8"))

    def remove(self, paths: Sequence[str]) -> None:
        """Deletes files, and folders of partitions that become empty."""
        for path in map(Path, paths):
            path.unlink(missing_ok=True)
            folder = path.parent
            while "=" in folder.name:
                try:
                    folder.rmdir()
                except OSError:
                    break
                folder = folder.parent

    @contextlib.contextmanager
    def _appearing(self, path: str) -> Iterator[Path]:
        """A temporary file, which gets its name once it is written to the disk."""
        target = Path(str(self._strip_protocol(path)))
        target.parent.mkdir(parents=True, exist_ok=True)
        hidden = self._arriving / uuid4().hex
        try:
            yield hidden
            with hidden.open("rb") as file:
                os.fsync(file.fileno())
            hidden.replace(target)
        except OSError as error:
            hidden.unlink(missing_ok=True)
            raise InfraspendError(f"{target} cannot be written ({error.strerror})") from error


class BucketFiles(AbstractFileSystem):  # type: ignore[misc]
    """The objects of S3, where writes are atomic.

    Args:
        client: The boto3 client of another instance, which takes long to create.
    """

    protocol = BUCKET
    cachable = False

    def __init__(self, client: Any = None, **_: Any) -> None:
        super().__init__()
        # The metadata of listed objects, which DuckDB asks for repeatedly.
        self._known: dict[str, dict[str, Any]] = {}
        with explaining("s3://"):
            self.client: Any = client or boto3.Session().client("s3", config=CONFIG)

    @property
    def shared(self) -> dict[str, Any]:
        """The client."""
        return {"client": self.client}

    def below(self, prefix: str) -> list[str]:
        """Every object whose path begins with a text."""
        found = {one["name"]: one for one in self._listed(prefix)}
        self._known.update(found)
        return list(found)

    def find(self, path: str, detail: bool = False, **_: Any) -> Any:
        """Every object below a path."""
        found = self._listed(f"{self._strip_protocol(path)}/")
        return {one["name"]: one for one in found} if detail else [one["name"] for one in found]

    def glob(self, path: str, detail: bool = False, **_: Any) -> Any:
        """The files below a path that ends in `**`, the only pattern that dlt uses.

        DuckDB calls it with every path that it is given.
        """
        return self.find(path.removesuffix("/**"), detail=detail) if detail else [path]

    def exists(self, path: str, **_: Any) -> bool:
        """Whether there is such an object; a network error is raised."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """The metadata of an object."""
        path = self._strip_protocol(path)
        if path in self._known:
            return self._known[path]
        with _found(path), explaining(f"s3://{path}"):
            head = self.client.head_object(**_address(path))
        return _described(path, head["ContentLength"], head["LastModified"])

    def modified(self, path: str) -> datetime:
        """When an object was written."""
        return _modified(self.info(path))

    def ls(self, path: str, detail: bool = True, **_: Any) -> Any:
        """Every object below a path: a bucket has no folders."""
        found = self.find(path, detail=True)
        return list(found.values()) if detail else list(found)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Nothing: a bucket has no folders."""

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **_: Any
    ) -> bytes:
        """The content of an object, or its bytes from `start` up to but not including `end`."""
        wanted = {} if end is None else {"Range": f"bytes={start or 0}-{end - 1}"}
        with _found(path), explaining(f"s3://{path}"):
            response = self.client.get_object(**_address(path), **wanted)
            content: bytes = response["Body"].read()
        return content

    def put_file(self, lpath: str, rpath: str, **_: Any) -> None:
        """Uploads a file, in parts where it is large; boto3 adds a checksum to each."""
        path = self._strip_protocol(rpath)
        self._known.pop(path, None)
        with explaining(f"s3://{path}", writing=True), Path(lpath).open("rb") as file:
            self.client.upload_fileobj(file, **_address(path))

    def pipe_file(self, path: str, value: bytes, **_: Any) -> None:
        """Writes an object."""
        path = self._strip_protocol(path)
        self._known.pop(path, None)
        with explaining(f"s3://{path}", writing=True):
            self.client.put_object(**_address(path), Body=value)

    def write_text(self, path: str, value: str, encoding: str | None = None, **_: Any) -> None:
        """Writes an object of text."""
        self.pipe_file(path, value.encode(encoding or "utf-8"))

    def remove(self, paths: Sequence[str]) -> None:
        """Deletes objects."""
        for first in range(0, len(paths), _MOST_AT_ONCE):
            some = [_address(path) for path in paths[first : first + _MOST_AT_ONCE]]
            bucket = some[0]["Bucket"]
            for path in paths[first : first + _MOST_AT_ONCE]:
                self._known.pop(path, None)
            keys = [{"Key": one["Key"]} for one in some]
            with explaining(f"s3://{bucket}", writing=True):
                result = self.client.delete_objects(
                    Bucket=bucket, Delete={"Objects": keys, "Quiet": True}
                )
                # S3 answers 200 and lists what it did not delete.
                for left in result.get("Errors", ()):
                    raise ClientError({"Error": left}, "DeleteObjects")

    def rm_file(self, path: str) -> None:
        """Deletes an object."""
        self.remove([self._strip_protocol(path)])

    def _listed(self, prefix: str) -> Iterator[dict[str, Any]]:
        address = _address(prefix)
        pages = self.client.get_paginator("list_objects_v2")
        with explaining(f"s3://{prefix}"):
            for page in pages.paginate(Bucket=address["Bucket"], Prefix=address["Key"]):
                for found in page.get("Contents", ()):
                    path = f"{address['Bucket']}/{found['Key']}"
                    yield _described(path, found["Size"], found["LastModified"])

    def _open(self, path: str, mode: str = "rb", **_: Any) -> Any:
        if mode != "rb":
            raise NotImplementedError(f"{path}: objects are written whole")
        return _Object(self, path, mode, cache_type="readahead")


class _Object(AbstractBufferedFile):  # type: ignore[misc]
    """An object that is read a range at a time."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        content: bytes = self.fs.cat_file(self.path, start, end)
        return content


def _described(path: str, size: int, written: datetime) -> dict[str, Any]:
    return {"name": path, "size": size, "type": "file", "mtime": written}


def _address(path: str) -> dict[str, str]:
    bucket, _, key = path.partition("/")
    return {"Bucket": bucket, "Key": key}


@contextlib.contextmanager
def _found(path: str) -> Iterator[None]:
    """Raises a file system's error for a missing object."""
    try:
        yield
    except MissingFileError as missing:
        raise FileNotFoundError(path) from missing


def _modified(found: dict[str, Any]) -> datetime:
    written = found["mtime"]
    return written if isinstance(written, datetime) else datetime.fromtimestamp(written, UTC)


for _files in (DirectoryFiles, BucketFiles):
    fsspec.register_implementation(_files.protocol, _files)
    MTIME_DISPATCH[_files.protocol] = _modified
