"""The errors that a user of Infraspend can meet."""

import re
from collections.abc import Sequence


class InfraspendError(Exception):
    """Something the user can act on, said in one line.

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
    """What an error says, without the paragraphs below it."""
    return str(error).strip().splitlines()[0]


def holder_of_lock(error: BaseException) -> tuple[int, str] | None:
    """Which process has a DuckDB file open, from the error of another that wants it.

    Args:
        error: What DuckDB says; it names the process on Linux and macOS.

    Returns:
        Its id and its program; None where DuckDB does not say.
    """
    found = re.search(r"held in (\S.*?) ?\(PID (\d+)\)", str(error))
    return (int(found[2]), found[1]) if found else None
