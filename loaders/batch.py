"""Lands many small deliveries at once: validated before, compared after, recorded last.

A load takes about half a second even if it is tiny, and a month of collections is hundreds of
deliveries. They are validated one by one, so that a bad one stops only itself, and land together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.sql import literal
from infraspend.loaders.tables import LEDGERS, PARTS
from infraspend.loaders.warehouse import Landing, LandingError, Warehouse, checkpoint

_BATCH: Final = 250


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
    """A validated delivery.

    Attributes:
        delivery: Its id.
        name: Its name in messages.
        parts: Table -> rows.
        ledger: Its row in the dataset's ledger.
        rejects: The rows that it adds to the dataset's rejects table.
    """

    delivery: str
    name: str
    parts: Mapping[str, Part]
    ledger: Mapping[str, object]
    rejects: Sequence[Mapping[str, object]]

    @property
    def rows(self) -> int:
        """How many rows it has in all tables together."""
        return sum(part.rows for part in self.parts.values())


def land_prepared(warehouse: Warehouse, dataset: str, prepared: Sequence[Prepared]) -> None:
    """Lands validated deliveries, each whole or not at all.

    Raises:
        InfraspendError: The warehouse refused them or did not insert every row.
    """
    remaining = iter(prepared)
    while batch := list(islice(remaining, _BATCH)):
        _land_batch(warehouse, dataset, batch)


def _land_batch(warehouse: Warehouse, dataset: str, batch: Sequence[Prepared]) -> None:
    landings = []
    for table, key in PARTS[dataset].items():
        filled = [(one.delivery, one.parts[table]) for one in batch if table in one.parts]
        if files := ", ".join(literal(str(part.file)) for _, part in filled if part.rows):
            deliveries = [delivery for delivery, part in filled if part.rows]
            landings.append(
                Landing(table, f"select * from read_parquet([{files}])", key, deliveries)
            )
    try:
        if landings:
            warehouse.land(dataset, landings)
        checkpoint("parts_landed")
        _compare(warehouse, dataset, batch)
    except LandingError as error:
        names = f"{batch[0].name} to {batch[-1].name}"
        raise InfraspendError(f"the warehouse refused {names}: {error}") from error
    ledger, _ = LEDGERS[dataset]
    warehouse.land_rows(
        dataset,
        {
            ledger: [one.ledger for one in batch],
            "rejects": [reject for one in batch for reject in one.rejects],
        },
    )
    checkpoint("deliveries_recorded")


def _compare(warehouse: Warehouse, dataset: str, batch: Sequence[Prepared]) -> None:
    """Compares the rows that landed with those that were sent; removes all if they differ."""
    for table, key in PARTS[dataset].items():
        sent = warehouse.rows_of(dataset, table, [one.delivery for one in batch])
        counted = f"select {key}, count(*) from {sent} group by {key}"
        landed = {str(delivery): int(count) for delivery, count in warehouse.query(counted)}
        for one in batch:
            expected = one.parts[table].rows if table in one.parts else 0
            if landed.get(one.delivery, 0) != expected:
                warehouse.remove(dataset, *(other.delivery for other in batch))
                raise InfraspendError(
                    f"{one.name}: {landed.get(one.delivery, 0)} of {expected} rows landed in"
                    f" {table}: nothing was kept, run this again"
                )
