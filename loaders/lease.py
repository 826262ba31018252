"""Locks a lake in a bucket for one run: an object that only one run can create, for a while.

S3 creates an object only if there is none (`If-None-Match: *`), and replaces one only if it is
unchanged (`If-Match`). The run that creates the lease has the lake and renews it until it ends. A
run that was killed renews nothing, and its lease expires; S3's own clock gives its age.
"""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.s3 import explaining

SECONDS = 120.0
"""How long a lease lasts after it was last renewed."""

_REFUSED: Final = {"ConditionalRequestConflict", "PreconditionFailed", "409", "412"}
_GONE: Final = {"NoSuchKey", "404"}


class _RefusedError(Exception):
    """The object is not in the state that the request requires."""


class Lease:
    """A lease that this run has."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client = client
        self._address = {"Bucket": bucket, "Key": key}
        self._where = f"s3://{bucket}/{key}"
        self._etag = ""
        self._renewed = 0.0
        self._ended = threading.Event()
        self._renewing = threading.Thread(target=self._renew, daemon=True)

    @contextlib.contextmanager
    def acquired(self, what: str) -> Iterator["Lease"]:
        """Creates the lease and renews it.

        Args:
            what: What it locks, for messages.

        Raises:
            InfraspendError: Another run has it, or the store has no conditional writes.
        """
        with explaining(self._where, writing=True):
            self._take(what)
        self._renewing.start()
        try:
            yield self
        finally:
            self._ended.set()
            self._renewing.join()
            # A lease that is not deleted now expires.
            with contextlib.suppress(ClientError, BotoCoreError):
                self._client.delete_object(**self._address, IfMatch=self._etag)

    def check(self) -> None:
        """Makes sure that the lease is still valid.

        Raises:
            InfraspendError: The lease may have expired, and another run may have begun.
        """
        if time.monotonic() - self._renewed > 0.75 * SECONDS:
            raise InfraspendError(
                f"{self._where} could not be renewed in time, so that another run may have begun:"
                " run this again"
            )

    def _take(self, what: str) -> None:
        try:
            self._put(IfNoneMatch="*")
        except _RefusedError:
            etag, left = self._seen()
            if left > 0:
                raise InfraspendError(
                    f"{what} is being loaded by another run: wait for it to end, then run this"
                    f" again; if it was killed, in {left:.0f} seconds"
                ) from None
            try:
                self._put(**({"IfMatch": etag} if etag else {"IfNoneMatch": "*"}))
            except _RefusedError:
                raise InfraspendError(
                    f"{what} is being loaded by another run, which began just now: wait for it to"
                    " end, then run this again"
                ) from None
        try:
            self._put(IfNoneMatch="*")
        except _RefusedError:
            return
        raise InfraspendError(
            f"{what} lies in a store that knows no conditional writes (If-None-Match), so that two"
            " runs could spoil each other's work: use one that does, such as S3"
        )

    def _seen(self) -> tuple[str, float]:
        """The ETag of the lease that is there, and how many seconds it has left."""
        try:
            head = self._client.head_object(**self._address)
        except ClientError as error:
            if _code(error) in _GONE:
                return "", 0.0
            raise
        now = parsedate_to_datetime(head["ResponseMetadata"]["HTTPHeaders"]["date"])
        return str(head["ETag"]), SECONDS - (now - head["LastModified"]).total_seconds()

    def _put(self, **condition: str) -> None:
        began = time.monotonic()
        # Different each time, so that its ETag differs too.
        holder = {"host": socket.gethostname(), "process": os.getpid(), "at": time.time_ns()}
        try:
            written = self._client.put_object(
                **self._address, Body=json.dumps(holder).encode(), **condition
            )
        except ClientError as error:
            if _code(error) in _REFUSED:
                raise _RefusedError from error
            raise
        self._etag, self._renewed = str(written["ETag"]), began

    def _renew(self) -> None:
        while not self._ended.wait(SECONDS / 4):
            try:
                self._put(IfMatch=self._etag)
            except _RefusedError:
                return
            except (ClientError, BotoCoreError):
                # The network: `check` counts the seconds.
                continue


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code"))
