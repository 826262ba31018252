"""A bucket as a location: every download is checked against S3's size and checksum.

boto3 finds credentials, regions, profiles and roles where every other AWS tool does (environment,
`~/.aws`, `role_arn`, instance roles), and `AWS_ENDPOINT_URL` points it at another server.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import boto3
from boto3.exceptions import S3UploadFailedError
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    FlexibleChecksumError,
    IncompleteReadError,
    NoCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.locations import File, MissingFileError, ReplacedFileError

_CHUNK: Final = 1 << 20
CONFIG: Final = Config(
    connect_timeout=10,
    read_timeout=30,
    retries={"mode": "adaptive", "total_max_attempts": 5},
)
# boto3 retries a failed request; a body that ends early is retried here.
_ATTEMPTS: Final = 4
_BROKEN_BODY: Final = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError)
_MISSING: Final = {"404", "NoSuchKey", "NotFound"}
_REPLACED: Final = {"412", "PreconditionFailed"}


class _DamagedError(Exception):
    """The bytes received do not match S3's size or checksum."""


@dataclass(frozen=True)
class Bucket:
    """The part of a bucket below a prefix.

    Attributes:
        name: The bucket.
        prefix: The prefix, without a `/` at its end; empty for the whole bucket.
    """

    name: str
    prefix: str
    _client: Any

    @classmethod
    def open(cls, name: str, prefix: str) -> "Bucket":
        """A bucket, reached with the credentials of the environment.

        Raises:
            InfraspendError: AWS's own configuration on this machine is wrong.
        """
        with explaining(f"s3://{name}"):
            return cls(name, prefix, boto3.Session().client("s3", config=CONFIG))

    def files(self, wanted: Callable[[str], bool], beginning: str = "") -> Iterator[File]:
        """Every object whose name is wanted and so begins, in the order of the names."""
        below = f"{self.prefix}/" if self.prefix else ""
        pages = self._client.get_paginator("list_objects_v2")
        with explaining(self.url("")):
            for page in pages.paginate(Bucket=self.name, Prefix=below + beginning):
                for found in page.get("Contents", ()):
                    name = found["Key"].removeprefix(below)
                    if name and wanted(name):
                        yield _file(name, found["Size"], found["LastModified"], found["ETag"])

    def folders(self, below: str) -> Iterator[str]:
        """The names of the folders right below a folder, in their order."""
        prefix = f"{self._key(below)}/"
        pages = self._client.get_paginator("list_objects_v2")
        with explaining(self.url(below)):
            for page in pages.paginate(Bucket=self.name, Prefix=prefix, Delimiter="/"):
                for found in page.get("CommonPrefixes", ()):
                    yield found["Prefix"].removeprefix(prefix).rstrip("/")

    def put(self, file: Path, name: str, content_type: str = "", cache_control: str = "") -> None:
        """Writes an object atomically.

        Args:
            file: What is written.
            name: Its name below the prefix.
            content_type: Its MIME type, for browsers.
            cache_control: How long a browser may keep it.

        Raises:
            InfraspendError: It cannot be written.
        """
        arguments = {"ContentType": content_type, "CacheControl": cache_control}
        with explaining(self.url(name), writing=True):
            try:
                self._client.upload_file(
                    str(file),
                    self.name,
                    self._key(name),
                    ExtraArgs={key: text for key, text in arguments.items() if text},
                )
            except S3UploadFailedError as error:
                # The error replaced by this one has S3's message.
                raise error.__context__ or error from error

    def delete(self, name: str) -> None:
        """Removes an object, if it exists.

        Raises:
            InfraspendError: It cannot be removed.
        """
        with explaining(self.url(name), writing=True):
            self._client.delete_object(Bucket=self.name, Key=self._key(name))

    def url(self, name: str) -> str:
        """The URL of an object."""
        return f"s3://{self.name}/{self._key(name)}"

    def read(self, name: str) -> bytes:
        """The content of a small object."""
        where = self.url(name)
        content: bytes = self._repeating(where, lambda: self._get(name, {})["Body"].read())
        return content

    def stat(self, name: str) -> File:
        """An object as it is now."""
        # Empty parts are allowed: AWS writes them where a prefix is empty or ends in /.
        if not name or any(part in (".", "..") for part in name.split("/")):
            raise InfraspendError(f"{name!r} leads out of {self.url('')}: it is not read")
        with explaining(self.url(name)):
            head = self._client.head_object(Bucket=self.name, Key=self._key(name))
        return _file(name, head["ContentLength"], head["LastModified"], head["ETag"])

    def fetch(self, file: File, to: Path) -> None:
        """Downloads an object and compares its size and its ETag with the listed ones."""
        where = self.url(file.name)
        try:
            self._repeating(where, lambda: self._download(file, to))
        except _DamagedError as error:
            raise InfraspendError(f"{where} is damaged ({error}): wait for a new one") from error

    def _download(self, file: File, to: Path) -> None:
        response = self._get(file.name, {"IfMatch": file.version})
        parts = self._part_sizes(file, response)
        digests = [hashlib.md5(usedforsecurity=False)]
        count = 0
        with to.open("wb") as target:
            left = parts[0] if parts else file.bytes
            while chunk := response["Body"].read(min(_CHUNK, left) or 1):
                target.write(chunk)
                count += len(chunk)
                digests[-1].update(chunk)
                left -= len(chunk)
                if left == 0 and len(digests) < len(parts):
                    left = parts[len(digests)]
                    digests.append(hashlib.md5(usedforsecurity=False))
        if count != file.bytes:
            raise _DamagedError(f"{count} of {file.bytes} bytes came")
        if parts and _etag(digests, len(parts)) != file.version.strip('"'):
            raise _DamagedError("its bytes do not have its ETag")

    def _part_sizes(self, file: File, response: dict[str, Any]) -> list[int]:
        """The sizes of the parts whose MD5 sums make up the ETag; none if it is no such sum."""
        matched = re.fullmatch(r'"[0-9a-f]{32}(?:-(\d+))?"', file.version)
        if not matched or response.get("ServerSideEncryption") not in (None, "AES256"):
            return []
        if matched[1] is None:
            return [file.bytes]
        key = self._key(file.name)
        heads = [
            self._client.head_object(Bucket=self.name, Key=key, PartNumber=number)
            for number in range(1, int(matched[1]) + 1)
        ]
        sizes = [int(head["ContentLength"]) for head in heads]
        return sizes if sum(sizes) == file.bytes else []

    def _get(self, name: str, conditions: dict[str, str]) -> dict[str, Any]:
        response: dict[str, Any] = self._client.get_object(
            Bucket=self.name, Key=self._key(name), **conditions
        )
        return response

    def _repeating(self, where: str, read: Callable[[], Any]) -> Any:
        for attempt in range(1, _ATTEMPTS + 1):
            with explaining(where):
                try:
                    return read()
                except FlexibleChecksumError as error:
                    if attempt == _ATTEMPTS:
                        raise _DamagedError("its bytes do not have its checksum") from error
                except (*_BROKEN_BODY, _DamagedError):
                    if attempt == _ATTEMPTS:
                        raise
        raise AssertionError("the last attempt returns or raises")

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name


def _file(name: str, size: int, modified: datetime, etag: str) -> File:
    return File(name, size, modified.astimezone(UTC).replace(tzinfo=None), etag)


def _etag(digests: list[Any], parts: int) -> str:
    """The ETag of an object that was uploaded in a number of parts."""
    if len(digests) == parts == 1:
        return str(digests[0].hexdigest())
    whole = b"".join(digest.digest() for digest in digests)
    return f"{hashlib.md5(whole, usedforsecurity=False).hexdigest()}-{parts}"


@contextmanager
def explaining(where: str, *, writing: bool = False) -> Iterator[None]:
    """Turns boto3's errors into one line with the way out."""
    fails, right = ("cannot be written", "write") if writing else ("cannot be read", "read")
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        if code in _MISSING:
            raise MissingFileError(f"{where} is not there") from error
        if code in _REPLACED:
            raise ReplacedFileError(f"{where} was replaced: run this again") from error
        raise InfraspendError(
            f"{where} {fails} ({code}): check the bucket's name, the region and what the"
            f" credentials may {right}"
        ) from error
    except NoCredentialsError as error:
        raise InfraspendError(
            f"{where} {fails} without credentials: set AWS_PROFILE, or run where a role gives them"
        ) from error
    except BotoCoreError as error:
        # Its message may contain the endpoint's URL with a password.
        raise InfraspendError(
            f"{where} {fails} ({type(error).__name__}): check the network,"
            " AWS_ENDPOINT_URL and AWS's configuration, then run this again"
        ) from error
