"""What a load reports to its caller."""

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str], None]
"""Takes one short line about the current step; a `Step` where the length of the work is known."""


class Step(str):
    """A line about the current step that knows how much of all is done.

    Attributes:
        done: How many parts are done: files, hours, marts, days.
        total: How many there are.
    """

    __slots__ = ("done", "total")

    done: int
    total: int

    def __new__(cls, text: str, done: int, total: int) -> "Step":
        """The line `text`, of which `done` and `total` are for a bar."""
        self = super().__new__(cls, text)
        self.done = done
        self.total = total
        return self


def silent(_message: str) -> None:
    """A `Progress` that prints nothing."""


@dataclass(frozen=True)
class LoadResult:
    """What a load did.

    Attributes:
        landed: Deliveries that landed: assemblies, collections or files.
        skipped: Deliveries that had landed before and were skipped.
        rejected: Hours (of a cluster or sub-platform) that were refused; see the rejects table.
        rows: Rows that landed.
        pending: Deliveries that were announced and are not all there yet.
        unread: Values that could not be read and landed as NULL; see the rejects table.
        refused: Each hour that was refused: its file and row, and why.
        notes: What landed and should be checked, such as a unit that differs from the hours before.
    """

    landed: int
    skipped: int
    rejected: int
    rows: int
    pending: int = 0
    unread: int = 0
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
