"""How many rows a build reads when little has changed, against a build of everything.

    python -m tests.bench.incremental [MONTHS ...]

A small company with so many months of history is built whole; then nothing is new; then a day of
bill and usage is added to the last month; then the bill of an old month is restated. The rows that
pass the scans are counted, from the engine's own profiles (see `tests.bench.counting`), and so are
all rows of the row groups that are read. For these the warehouse is stored in row groups so small
that a month is several of them, as the months of a large company are in those of DuckDB's own size.
At last it prints what grows with the history.
"""

import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infraspend.builder import dbt, records
from infraspend.builder.fingerprints import fingerprints_of_raw_tables
from tests.end_to_end.companies import ROOT, WITHOUT_UNIT_TESTS, Company
from tests.incremental.world import World, begin_with

MONTHS = (1, 3, 6, 12)
GOALS = {"no change": 0.02, "a new day": 0.10, "a restated month": 0.15}
OFFENDERS = 12
ROW_GROUP = "2048"
"""Rows of a row group here; DuckDB's own have 122,880."""

Scans = Counter[tuple[str, str]]


@dataclass(frozen=True)
class Counts:
    """What a build read.

    Attributes:
        rows: (Node, table) -> rows that passed the scans' filters.
        in_row_groups: The same, all rows of the row groups that were read.
        cpu_seconds: Of dbt's process, its start included.
    """

    rows: Scans
    in_row_groups: Scans
    cpu_seconds: float


@contextmanager
def profiled(file: Path, row_group: str) -> Iterator[None]:
    """Builds write what their statements read to a file."""
    command, environment = dbt.DBT, dict(os.environ)
    dbt.DBT = (sys.executable, "-m", "tests.bench.counting")
    settings = {
        "INFRASPEND_COUNTS": str(file),
        "INFRASPEND_ROW_GROUP": row_group,
        "PYTHONPATH": str(ROOT),
    }
    os.environ |= settings
    try:
        yield
    finally:
        dbt.DBT = command
        for name in settings:
            os.environ.pop(name)
        os.environ |= environment


def count(company: Company, row_group: str = "") -> Counts:
    """Builds what has landed and counts what the engine read for it.

    Args:
        company: What is built.
        row_group: How many rows a row group has; DuckDB's own size if empty.
    """
    file = company.root / "scans.jsonl"
    before = os.times()
    with profiled(file, row_group):
        result = company.build(*WITHOUT_UNIT_TESTS)
    assert result.succeeded, "\n".join(result.failures)
    after = os.times()
    if row_group:
        # Rows that lie elsewhere look to a build as if other hands had changed them.
        records.note_raw_tables(company.warehouse, fingerprints_of_raw_tables(company.warehouse))
    rows: Scans = Counter()
    in_row_groups: Scans = Counter()
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            scan = json.loads(line)
            rows[scan["node"], scan["table"]] += scan["passed"]
            in_row_groups[scan["node"], scan["table"]] += scan["scanned"]
    seconds = sum(after[2:4]) - sum(before[2:4])
    return Counts(rows, in_row_groups, seconds)


def measure(root: Path, months: int) -> dict[str, Counts]:
    """Builds of a company with so many months of history, by what was new for them."""
    world = begin_with(root, months)
    last = world.calendar[-1].name
    world.change(last, days=2)
    world.land()
    found = {"everything": count(world.company, ROW_GROUP)}
    found["no change"] = count(world.company, ROW_GROUP)
    _add_a_day(world)
    found["a new day"] = count(world.company, ROW_GROUP)
    world.change(world.calendar[0].name, price=987_654_321)
    world.land()
    found["a restated month"] = count(world.company, ROW_GROUP)
    return found


def _add_a_day(world: World) -> None:
    """Another assembly of the last month, and the day of usage that it has."""
    turn = len(world.calendar) - 1
    hours = range(15 * 24, 16 * 24)
    world.change(world.calendar[turn].name, days=3)
    world.collect("blue", turn, hours, (1, 2, 3))
    world.publish(("spark", "prod"), turn, hours, (1, 2, 4))
    world.land()


def described(months: int, found: dict[str, Counts]) -> str:
    """The figures of one length of history, and what reads most where little should be read."""
    whole = found["everything"].rows.total()
    whole_groups = found["everything"].in_row_groups.total()
    lines = [f"{months} months of history"]
    for what, counts in found.items():
        rows, groups = counts.rows.total(), counts.in_row_groups.total()
        goal = f" (goal {GOALS[what]:.0%})" if what in GOALS else ""
        lines.append(
            f"    {what:<18}{rows:>12,} rows {rows / whole:>7.1%}{goal},"
            f" {groups:,} in row groups {groups / whole_groups:.1%}, {counts.cpu_seconds:.1f} CPU s"
        )
    for what in GOALS:
        for (node, table), rows in found[what].rows.most_common(OFFENDERS):
            lines.append(f"        {what}: {rows:>9,} {node} < {table}")
    return "\n".join(lines)


def growth(measured: dict[int, dict[str, Counts]]) -> str:
    """How many rows each build reads by months of history, and what reads more with more of it."""
    lines = []
    for what in GOALS:
        by_months = ", ".join(
            f"{found[what].rows.total():,} at {months}" for months, found in measured.items()
        )
        lines.append(f"{what}: {by_months} months")
        *_, less, more = (found[what].rows for _, found in sorted(measured.items()))
        lines += [
            f"    grows by {rows:,}: {node} < {table}"
            for (node, table), rows in (more - less).most_common(OFFENDERS)
        ]
    return "\n".join(lines)


def main() -> None:
    """Prints the figures of every length of history."""
    measured = {}
    for months in [int(argument) for argument in sys.argv[1:]] or MONTHS:
        with tempfile.TemporaryDirectory(prefix="infraspend-bench-") as directory:
            measured[months] = measure(Path(directory), months)
            print(described(months, measured[months]), flush=True)
    if len(measured) > 1:
        print(growth(measured))


if __name__ == "__main__":
    main()
