"""What a run writes on this machine: for its owner alone, locked, in directories of its own."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from infraspend.loaders.errors import InfraspendError


@contextmanager
def private() -> Iterator[None]:
    """Makes files and directories that are written meanwhile their owner's alone: 0600 and 0700.

    For what holds the bill and is not published. Programs that are started meanwhile do the same.
    """
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def locked(lock: Path, busy: str) -> Iterator[None]:
    """Keeps other runs out.

    Args:
        lock: A file of this purpose, which stays.
        busy: What to say if another run has it.

    Raises:
        InfraspendError: Another run has it, or it is no file of its own.
    """
    check_is_lock(lock)
    acquired = FileLock(lock)
    try:
        acquired.acquire(timeout=0)
    except Timeout as error:
        raise InfraspendError(busy) from error
    except OSError as error:
        raise InfraspendError(
            f"{lock}: the lock cannot be written here ({error.strerror})"
        ) from error
    try:
        yield
    finally:
        acquired.release()


def check_is_lock(path: Path) -> None:
    """Makes sure that a lock is a plain file, if it is there.

    Raises:
        InfraspendError: It is a link, a directory or something else.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise InfraspendError(f"{path} is no plain file, and a run's lock goes there: move it away")


def emptied(folder: Path) -> Path:
    """Makes a directory of a run's own, and removes what an earlier run left in it.

    Args:
        folder: The directory, which is returned.

    Raises:
        InfraspendError: It is a link or a file: who made it wants to keep it.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise InfraspendError(
            f"{folder} is a link or a file, and a run's own directory goes there: move it away"
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
