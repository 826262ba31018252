"""What became of the deliveries of a load so far, and what is kept of those that were refused."""

from dataclasses import dataclass, field

from infraspend.loaders.clock import utc_now
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.result import LoadResult, Progress
from infraspend.loaders.tables import TABLES


def reject_row(
    dataset: str, file: str, reason: str, row_number: int | None = None, **about: object
) -> dict[str, object]:
    """A row of a dataset's table `rejects`.

    Args:
        dataset: The dataset.
        file: The file that was refused, or that has what was.
        reason: Why.
        row_number: Its row, from 1; None for the whole file.
        about: Further columns of the table; NULL if not named.
    """
    return {
        **dict.fromkeys(TABLES[dataset]["rejects"]),
        "file": file,
        "row_number": row_number,
        "reason": reason,
        **about,
        "rejected_at": utc_now(),
    }


@dataclass
class Outcome:
    """What became of the deliveries so far; see `LoadResult`.

    Attributes:
        dataset: The dataset that they land in.
        progress: Called with what is done next, and with what went wrong.
        failures: What did not load: its name, and why.
        rejects: The rows that the table `rejects` gets.
    """

    dataset: str
    progress: Progress
    landed: int = 0
    skipped: int = 0
    rejected: int = 0
    rows: int = 0
    pending: int = 0
    unread: int = 0
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    rejects: list[dict[str, object]] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Notes what landed and should be checked."""
        self.notes.append(text)
        self.progress(text)

    def fail(self, text: str) -> None:
        """Notes what did not load, and why."""
        self.failures.append(text)
        self.progress(text)

    def reject(
        self, file: str, reason: str, row_number: int | None = None, **about: object
    ) -> None:
        """Keeps why something was refused; see `reject_row`."""
        self.rejects.append(reject_row(self.dataset, file, reason, row_number, **about))

    def check(self, what: str) -> None:
        """Raises an error that names all that did not load, if there is any.

        Args:
            what: How many of what that is, such as `2 files`.
        """
        if self.failures:
            raise InfraspendError(
                f"{what} did not load (the others are in): {'; '.join(self.failures)}"
            )

    def result(self) -> LoadResult:
        """What the load did, for its caller."""
        return LoadResult(
            landed=self.landed,
            skipped=self.skipped,
            rejected=self.rejected,
            rows=self.rows,
            pending=self.pending,
            unread=self.unread,
            refused=tuple(self.refused),
            notes=tuple(self.notes),
        )
