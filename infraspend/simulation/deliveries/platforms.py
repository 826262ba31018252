"""Writes what platform owners publish: usage and ready-made schedules, where `load` finds them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path

from infraspend.simulation.clock import DAY, HOUR, stamp
from infraspend.simulation.files import set_time
from infraspend.simulation.plan.company_platforms import FEATURES, LYFTLEARN, SPARK, WAREHOUSE
from infraspend.simulation.plan.pushed import Usage
from infraspend.simulation.plan.ready_made import Published

_USAGE = ("usage_hour", "platform", "sub_platform", "lyft_label", "usage", "unit")
_SCHEDULE = ("usage_hour", "platform", "sub_platform", "lyft_label", "proportion")


def write_usage(root: Path, first: date, last: date, rows: Sequence[Usage]) -> None:
    """Writes the usage of days where each owner publishes it: LyftLearn's as JSON lines, else CSV.

    A platform that nobody shares out yet publishes nothing.
    """
    for platform in (LYFTLEARN, SPARK, FEATURES):
        mine = [row for row in rows if row.platform == platform]
        if not mine:
            continue
        suffix = "jsonl" if platform == LYFTLEARN else "csv"
        path = root / platform / f"{first:%Y/%m}" / f"{platform}-{first:%Y-%m-%d}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if platform == LYFTLEARN:
            _write_json_lines(path, mine)
        else:
            _write_csv(path, _USAGE, map(_cells, mine))
        set_time(path, datetime.combine(last, datetime.min.time()) + DAY + HOUR)


def _cells(row: Usage) -> tuple[str, ...]:
    return stamp(row.hour), *row[1:]


def _write_json_lines(path: Path, rows: Sequence[Usage]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            cells = {**dict(zip(_USAGE, _cells(row), strict=True)), "usage": float(row.usage)}
            file.write(f"{json.dumps(cells)}\n")


def write_schedules(root: Path, first: date, last: date, lines: Sequence[Published]) -> None:
    """Writes the schedules of days where the owner publishes them, if there are any."""
    if not lines:
        return
    path = root / WAREHOUSE / f"{first:%Y/%m}" / f"{WAREHOUSE}-{first:%Y-%m-%d}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = (
        (stamp(line.hour), WAREHOUSE, line.sub_platform, line.label, line.proportion)
        for line in lines
    )
    _write_csv(path, _SCHEDULE, cells)
    set_time(path, datetime.combine(last, datetime.min.time()) + DAY + 2 * HOUR)


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
