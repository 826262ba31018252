"""Reads a simulated bill back with nothing of the simulation's: text, Decimal and the manifests."""

import csv
import gzip
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

ZERO = Decimal(0)


class Line(dict[str, Any]):
    """A line by its CUR 2.0 column names; a column that is empty or missing is None."""

    def __missing__(self, _name: str) -> None:
        return None

    def number(self, name: str) -> Decimal:
        value = self[name]
        # A double stands for its shortest text.
        return ZERO if value is None else Decimal(str(value))

    @property
    def kind(self) -> str:
        return str(self["line_item_line_item_type"])

    @property
    def is_discount(self) -> bool:
        return self.kind.endswith("Discount")


def current_lines(bucket: Path, report: str = "*") -> Iterator[Line]:
    """The lines of the assembly that each period's manifest names, of all reports or of one."""
    for path in sorted(bucket.rglob(f"{report}-Manifest.json")):
        manifest = json.loads(path.read_text())
        if "reportKeys" in manifest:
            # The copy in an assembly's own folder says nothing about what is current.
            if path.parent.name != manifest["assemblyId"]:
                for key in manifest["reportKeys"]:
                    yield from legacy_lines(bucket / key)
        else:
            for url in manifest["dataFiles"]:
                yield from _export_lines(bucket / url.removeprefix("s3://").split("/", 1)[1])


def legacy_lines(path: Path) -> Iterator[Line]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            line = Line({_name(column): text for column, text in row.items() if text})
            line["resource_tags"] = _map(line, "resource_tags_")
            line["product"] = _map(line, "product_")
            yield line


def _export_lines(path: Path) -> Iterator[Line]:
    for row in pq.read_table(path).to_pylist():
        line = Line({name: value for name, value in row.items() if value is not None})
        for name in ("resource_tags", "product", "discount"):
            line[name] = dict(line[name] or [])
        for name, value in line.items():
            if hasattr(value, "isoformat"):
                line[name] = f"{value.isoformat()}Z"
        yield line


def _name(column: str) -> str:
    words = re.sub(r"([A-Z])", r"_\1", re.sub(r"[/:-]", "_", column))
    return re.sub(r"_+", "_", words).lower()


def _map(line: Line, prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): line[name] for name in line if name.startswith(prefix)}
