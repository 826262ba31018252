"""Lands deliveries together: validated before, compared after, recorded last.

A load takes about half a second even if it is tiny, and a month of collections is hundreds of
deliveries. They are validated one by one, so that a bad one stops only itself, and land together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Protocol, TypeVar

import duckdb

from infraspend.loaders.errors import InfraspendError, first_line
from infraspend.loaders.outcome import Outcome
from infraspend.loaders.sql import literal
from infraspend.loaders.tables import LEDGERS, PARTS
from infraspend.loaders.warehouse import Landing, LandingError, Warehouse, checkpoint

_BATCH: Final = 250

Problem = InfraspendError | None
"""Why a delivery did not land; None if it did."""


class Delivery(Protocol):
    """What lands whole or not at all."""

    @property
    def delivery(self) -> str:
        """Its id."""

    @property
    def sent(self) -> Mapping[str, int]:
        """Table -> how many rows of it go there."""


_One = TypeVar("_One", bound=Delivery)


@dataclass(frozen=True)
class Part:
    """The rows of a delivery that go into one table.

    Attributes:
        file: A Parquet file with exactly the table's columns and types.
        rows: How many rows it has.
    """

    file: Path
    rows: int


@dataclass(frozen=True)
class Prepared:
    """A validated delivery whose rows are written as they land.

    Attributes:
        delivery: Its id.
        name: Its name in messages.
        file: Its file in the dataset's rejects table, if it is refused.
        parts: Table -> rows.
        ledger: Its row in the dataset's ledger.
        refused: How many hours of it were refused.
        rejects: The rows that it adds to the dataset's rejects table.
    """

    delivery: str
    name: str
    file: str
    parts: Mapping[str, Part]
    ledger: Mapping[str, object]
    refused: int
    rejects: Sequence[Mapping[str, object]]

    @property
    def sent(self) -> dict[str, int]:
        """Table -> how many rows of it go there."""
        return {table: part.rows for table, part in self.parts.items()}

    @property
    def rows(self) -> int:
        """How many rows it has in all tables together."""
        return sum(self.sent.values())


def land_prepared(
    warehouse: Warehouse, prepared: Sequence[Prepared], outcome: Outcome
) -> list[Prepared]:
    """Lands validated deliveries, each whole or not at all, and notes what became of each.

    Returns:
        Those that landed.
    """

    def together(batch: Sequence[Prepared]) -> list[Problem]:
        return _land_batch(warehouse, outcome.dataset, batch)

    def refused(_: Prepared, error: Exception) -> InfraspendError:
        return InfraspendError(f"the warehouse refused it: {first_line(error)}")

    landed = []
    remaining = iter(prepared)
    while batch := list(islice(remaining, _BATCH)):
        problems = land_in_halves(warehouse, outcome.dataset, batch, together, refused)
        for one, problem in zip(batch, problems, strict=True):
            if problem:
                outcome.fail(f"{one.name}: {problem}")
                outcome.reject(one.file, str(problem))
            else:
                outcome.landed += 1
                outcome.rows += one.rows
                outcome.rejected += one.refused
                landed.append(one)
    return landed


def land_in_halves(
    warehouse: Warehouse,
    dataset: str,
    batch: Sequence[_One],
    together: Callable[[Sequence[_One]], list[Problem]],
    refused: Callable[[_One, Exception], InfraspendError],
) -> list[Problem]:
    """Lands deliveries together; where the database refuses them, nothing of it and then in halves.

    Whose fault it is shows once that one lands alone: the others land.

    Args:
        warehouse: Where they go.
        dataset: The dataset.
        batch: The deliveries.
        together: Lands some of them in one go, and says of each why it did not land.
        refused: What to say of one that was refused alone.

    Returns:
        For each of them why it did not land; None if it did.
    """
    try:
        return together(batch)
    except (duckdb.Error, LandingError) as error:
        warehouse.remove(dataset, *(one.delivery for one in batch))
        if len(batch) == 1:
            return [refused(batch[0], error)]
    half = len(batch) // 2
    return [
        problem
        for some in (batch[:half], batch[half:])
        for problem in land_in_halves(warehouse, dataset, some, together, refused)
    ]


def compared(
    warehouse: Warehouse,
    dataset: str,
    batch: Sequence[_One],
    also: Callable[[_One], Problem] = lambda _: None,
) -> list[Problem]:
    """What is wrong with each of what has just landed; what is wrong is removed.

    Args:
        warehouse: Where they went.
        dataset: The dataset.
        batch: The deliveries.
        also: What else may be wrong with one whose rows have all landed.
    """
    landed: dict[tuple[str, str], int] = {}
    for table in {table for one in batch for table in one.sent}:
        key = PARTS[dataset][table]
        rows = warehouse.rows_of(dataset, table, [one.delivery for one in batch])
        counted = warehouse.query(f"select {key}, count(*) from {rows} group by {key}")
        landed |= {(table, str(delivery)): int(count) for delivery, count in counted}
    problems: list[Problem] = []
    for one in batch:
        lacking = [
            f"{landed.get((table, one.delivery), 0)} of {rows} rows landed in {table}"
            for table, rows in one.sent.items()
            if landed.get((table, one.delivery), 0) != rows
        ]
        if lacking:
            text = f"{'; '.join(lacking)}: nothing was kept, run this again"
            problem: Problem = InfraspendError(text)
        else:
            problem = also(one)
        if problem:
            warehouse.remove(dataset, one.delivery)
        problems.append(problem)
    return problems


def _land_batch(warehouse: Warehouse, dataset: str, batch: Sequence[Prepared]) -> list[Problem]:
    landings = []
    for table, key in PARTS[dataset].items():
        filled = [(one.delivery, one.parts[table]) for one in batch if table in one.parts]
        if files := ", ".join(literal(str(part.file)) for _, part in filled if part.rows):
            deliveries = [delivery for delivery, part in filled if part.rows]
            landings.append(
                Landing(table, f"select * from read_parquet([{files}])", key, deliveries)
            )
    if landings:
        warehouse.land(dataset, landings)
    checkpoint("parts_landed")
    problems = compared(warehouse, dataset, batch)
    landed = [one for one, problem in zip(batch, problems, strict=True) if not problem]
    ledger, _ = LEDGERS[dataset]
    warehouse.land_rows(
        dataset,
        {
            ledger: [one.ledger for one in landed],
            "rejects": [reject for one in landed for reject in one.rejects],
        },
    )
    checkpoint("deliveries_recorded")
    return problems
