"""AWS's two ways of delivering a month of the bill to a bucket.

Both end with a manifest that names the files that count: a reader follows the manifest and never
looks around in the folder, where earlier deliveries still lie.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from infraspend.simulation.clock import Period, stamp
from infraspend.simulation.deliveries.report_columns import (
    COLUMNS,
    CUR2_SCHEMA,
    LEGACY_COLUMNS_OF_MAPS,
)
from infraspend.simulation.files import set_time
from infraspend.simulation.plan.charges import Columns
from infraspend.simulation.plan.company import PAYER, REPORTS
from infraspend.simulation.units import as_float, as_text

BUCKET = "demo-billing"
_PREFIX = "cur"
HOURLY, DAILY, _EXPORT = REPORTS
_LINES_OF_A_FILE = 50_000
_LINES_OF_A_ROW_GROUP = 10_000


class Delivery(Protocol):
    """A billing period on its way into the bucket, complete once it has been closed."""

    def write(self, lines: Iterable[Columns]) -> None:
        """Adds lines to the delivery."""

    def close(self) -> None:
        """Writes the last file and then the manifest."""


# The Cost and Usage Report

_LEGACY_HEADER = [column.legacy for column in COLUMNS] + [
    name for names in LEGACY_COLUMNS_OF_MAPS.values() for name in names.values()
]
_AS_CELL: dict[str, Callable[[Any], str]] = {"text": str, "number": as_text, "moment": stamp}
#: Where a column of the line goes, and how it is written.
_CELLS = {column.name: (index, _AS_CELL[column.kind]) for index, column in enumerate(COLUMNS)}
#: Where a key of a map goes.
_MAP_CELLS = {
    column: {key: _LEGACY_HEADER.index(name) for key, name in names.items()}
    for column, names in LEGACY_COLUMNS_OF_MAPS.items()
}


class LegacyDelivery:
    """A Cost and Usage Report as CSV.gz that keeps every assembly in a folder of its own.

    Args:
        root: The bucket, as a directory.
        period: The month that is delivered.
        assembly_id: AWS's name for this delivery of the month.
        delivered_at: When the manifest was written.
        is_current: Whether the month's manifest names this assembly, or a later one.
        report: What the report is called.
    """

    def __init__(
        self,
        root: Path,
        period: Period,
        assembly_id: str,
        delivered_at: datetime,
        *,
        is_current: bool = True,
        report: str = HOURLY,
    ) -> None:
        self._root = root
        self._period = period
        self._assembly_id = assembly_id
        self._delivered_at = delivered_at
        self._is_current = is_current
        self._report = report
        dates = f"{period.start:%Y%m%d}-{period.end:%Y%m%d}"
        self._month = f"{_PREFIX}/{self._report}/{dates}"
        self._keys: list[str] = []
        self._lines = 0
        self._waiting: list[list[str]] = []

    def write(self, lines: Iterable[Columns]) -> None:
        """Adds lines to the assembly."""
        for line in lines:
            self._lines += 1
            self._waiting.append(self._cells(line))
            if len(self._waiting) == _LINES_OF_A_FILE:
                self._write_file()

    def close(self) -> None:
        """Writes the last lines, and the manifest: the assembly's, the month's if it is current."""
        if self._waiting:
            self._write_file()
        manifest = json.dumps(self._manifest(), indent=2)
        folders = [f"{self._month}/{self._assembly_id}"]
        if self._is_current:
            folders.append(self._month)
        for folder in folders:
            path = self._root / folder / f"{self._report}-Manifest.json"
            path.write_text(manifest, encoding="utf-8")
            set_time(path, self._delivered_at)

    def _write_file(self) -> None:
        number = len(self._keys) + 1
        self._keys.append(f"{self._month}/{self._assembly_id}/{self._report}-{number}.csv.gz")
        path = self._root / self._keys[-1]
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            path.open("wb") as file,
            # Without a name and a time in it, the same lines make the same bytes.
            gzip.GzipFile("", "wb", compresslevel=4, fileobj=file, mtime=0) as packed,
            io.TextIOWrapper(packed, encoding="utf-8", newline="") as text,
        ):
            csv.writer(text, lineterminator="\n").writerows([_LEGACY_HEADER, *self._waiting])
        self._waiting = []

    def _cells(self, line: Columns) -> list[str]:
        cells = [""] * len(_LEGACY_HEADER)
        cells[0] = _line_id(self._assembly_id, self._lines)
        for name, value in line.items():
            if name in _CELLS:
                index, as_cell = _CELLS[name]
                cells[index] = as_cell(value)
            elif name in _MAP_CELLS:
                assert isinstance(value, Mapping)
                for key, text in value.items():
                    cells[_MAP_CELLS[name][key]] = str(text)
        return cells

    def _manifest(self) -> dict[str, Any]:
        return {
            "assemblyId": self._assembly_id,
            "account": PAYER,
            "columns": [
                dict(zip(("category", "name"), name.split("/"), strict=True))
                for name in _LEGACY_HEADER
            ],
            "charset": "UTF-8",
            "compression": "GZIP",
            "contentType": "text/csv",
            "reportId": f"{self._report}-{PAYER}",
            "reportName": self._report,
            "billingPeriod": {
                "start": f"{self._period.start:%Y%m%dT%H%M%S}.000Z",
                "end": f"{self._period.end:%Y%m%dT%H%M%S}.000Z",
            },
            "bucket": BUCKET,
            "reportKeys": self._keys,
            "additionalArtifactKeys": [],
        }


# CUR 2.0


def _as_amounts(value: Mapping[str, int]) -> dict[str, float]:
    return {key: as_float(amount) for key, amount in value.items()}


#: How values are written to columns of amounts; other columns take them as they are.
_AS_PARQUET: dict[str, Callable[[Any], Any]] = {
    field.name: as_float if pa.types.is_floating(field.type) else _as_amounts
    for field in CUR2_SCHEMA
    if field.type in (pa.float64(), pa.map_(pa.string(), pa.float64()))
}


class ExportDelivery:
    """A CUR 2.0 data export as Parquet, each execution in a folder of its own.

    Args:
        root: The bucket, as a directory.
        period: The month that is delivered.
        execution_id: AWS's name for this delivery of the month.
        delivered_at: When the manifest was written.
    """

    def __init__(
        self, root: Path, period: Period, execution_id: str, delivered_at: datetime
    ) -> None:
        self._root = root
        self._period = period
        self._execution_id = execution_id
        self._delivered_at = delivered_at
        self._folder = (
            f"{_PREFIX}/{_EXPORT}/data/BILLING_PERIOD={period.name}/"
            f"{delivered_at:%Y-%m-%dT%H:%M:%S}.000Z-{execution_id}"
        )
        self._keys: list[str] = []
        self._files: list[pq.ParquetWriter] = []
        self._lines = 0
        self._waiting: list[Columns] = []

    def write(self, lines: Iterable[Columns]) -> None:
        """Adds lines to the export."""
        for line in lines:
            self._waiting.append(line)
            if len(self._waiting) == _LINES_OF_A_ROW_GROUP:
                self._write_row_group()

    def close(self) -> None:
        """Writes the last lines, and the manifest after all data files, as AWS does."""
        if self._waiting:
            self._write_row_group()
        self._files[-1].close()
        folder = self._root / f"{_PREFIX}/{_EXPORT}/metadata/BILLING_PERIOD={self._period.name}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{_EXPORT}-Manifest.json"
        manifest = {
            "exportName": _EXPORT,
            "executionId": self._execution_id,
            "columns": [{"name": field.name, "type": str(field.type)} for field in CUR2_SCHEMA],
            "dataFiles": [f"s3://{BUCKET}/{key}" for key in self._keys],
            "additionalOutputFiles": [],
        }
        path.write_text(json.dumps(manifest, indent=2), encoding="utf-8")
        set_time(path, self._delivered_at)

    def _write_row_group(self) -> None:
        if self._lines % _LINES_OF_A_FILE == 0:
            self._next_file()
        first = self._lines + 1
        self._lines += len(self._waiting)
        for number, line in enumerate(self._waiting, first):
            line["identity_line_item_id"] = _line_id(self._execution_id, number)
        self._files[-1].write_table(pa.Table.from_pydict(_columns(self._waiting), CUR2_SCHEMA))
        self._waiting = []

    def _next_file(self) -> None:
        if self._files:
            self._files[-1].close()
        number = len(self._files) + 1
        self._keys.append(f"{self._folder}/{_EXPORT}-{number:05d}.snappy.parquet")
        path = self._root / self._keys[-1]
        path.parent.mkdir(parents=True, exist_ok=True)
        self._files.append(pq.ParquetWriter(path, CUR2_SCHEMA, compression="snappy"))


def _columns(lines: Sequence[Columns]) -> dict[str, list[Any]]:
    """The values of lines by column; what a line does not have, or has empty, is absent."""
    columns: dict[str, list[Any]] = {name: [None] * len(lines) for name in CUR2_SCHEMA.names}
    for index, line in enumerate(lines):
        for name, value in line.items():
            if value or value == 0:
                as_parquet = _AS_PARQUET.get(name)
                columns[name][index] = as_parquet(value) if as_parquet else value
    return columns


def _line_id(delivery: str, number: int) -> str:
    """AWS's ids are long, and new in every delivery."""
    return f"{delivery[:8]}{number:044x}"
