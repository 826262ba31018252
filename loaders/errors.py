"""The errors that a user of Infraspend may see."""

import re
from collections.abc import Sequence


class InfraspendError(Exception):
    """An error that the user can act on, in one line.

    The message names the file, hour or platform that is wrong and what to do about it. The
    command line prints it without a traceback and exits with 1.

    Attributes:
        mistakes: Every mistake, where there are several: the command line prints each of them in a
            line of its own, before the message.
    """

    def __init__(self, message: str = "", mistakes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.mistakes = tuple(mistakes)


def first_line(error: BaseException) -> str:
    """The first line of an error's message."""
    return str(error).strip().splitlines()[0]


def holder_of_lock(error: BaseException) -> tuple[int, str] | None:
    """Which process has a DuckDB file open, from the error of another that tries to open it.

    Args:
        error: DuckDB's error; it names the process on Linux and macOS.

    Returns:
        Its id and its program; None if DuckDB does not name them.
    """
    found = re.search(r"held in (\S.*?) ?\(PID (\d+)\)", str(error))
    return (int(found[2]), found[1]) if found else None
