"""Files as the simulation writes them: the same content is the same bytes, and carries its time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from infraspend.simulation.clock import HOUR

Row = tuple[Any, ...]


def set_time(path: Path, moment: datetime) -> None:
    """Dates a file back (or ahead) to when its content would have been written."""
    seconds = moment.replace(tzinfo=UTC).timestamp()
    os.utime(path, (seconds, seconds))


def decimals(amounts: Sequence[int | None], kind: pa.Decimal128Type) -> pa.Array:
    """Amounts, counted in the type's last digit, as decimals; no float comes near them."""
    return pa.array(amounts, pa.decimal128(kind.precision, 0)).view(kind)


def table(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    """Rows as a table; decimals are given as integers that count their last digit."""
    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    arrays = [
        decimals(values, field.type)
        if pa.types.is_decimal(field.type)
        else pa.array(values, field.type)
        for values, field in zip(columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def in_each_hour(days: pa.Table, hours: int) -> pa.Table:
    """Rows about the hours of days that are alike, once for each of so many hours.

    Their first column is the hour; that of a day is its first.
    """
    name, first = days.column_names[0], days.column(0)
    return pa.concat_tables(
        days.set_column(0, name, pc.add(first, pa.scalar(index * HOUR, pa.duration("us"))))
        for index in range(hours)
    )


class ParquetFile:
    """A Parquet file that grows by rows."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema)

    def write(self, rows: Sequence[Row]) -> None:
        """Adds rows, as one row group."""
        if rows:
            self._writer.write_table(table(rows, self._schema))

    def write_each_hour(self, days: pa.Table, hours: int) -> None:
        """Adds the rows of whole days once for each of their hours."""
        self._writer.write_table(in_each_hour(days, hours))

    def close(self) -> None:
        """Ends the file; it cannot be read before."""
        self._writer.close()
