"""Files as the simulation writes them: the same content is the same bytes, and carries its time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_BYTES_OF_A_DECIMAL = 16

Row = tuple[Any, ...]


def set_time(path: Path, moment: datetime) -> None:
    """Dates a file back (or ahead) to when its content would have been written."""
    seconds = moment.replace(tzinfo=UTC).timestamp()
    os.utime(path, (seconds, seconds))


def decimals(amounts: Sequence[int | None], kind: pa.Decimal128Type) -> pa.Array:
    """Amounts, counted in the type's last digit, as decimals; no float comes near them."""
    values = b"".join(
        (amount or 0).to_bytes(_BYTES_OF_A_DECIMAL, "little", signed=True) for amount in amounts
    )
    is_there = pa.array([amount is not None for amount in amounts]).buffers()[1]
    return pa.Array.from_buffers(kind, len(amounts), [is_there, pa.py_buffer(values)])


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

    def close(self) -> None:
        """Ends the file; it cannot be read before."""
        self._writer.close()
