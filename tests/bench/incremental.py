"""How many rows a build reads when little has changed, against a build of everything.

    python -m tests.bench.incremental [MONTHS ...]

A small company with so many months of history is built whole; then nothing is new; then a day of
bill and usage is added to the last month; then the bill of an old month is restated. The rows that
pass the engine's scans are counted, from the engine's own profiles (see `tests.bench.counting`):
with months this small, whole row groups would measure nothing but DuckDB's size of them.
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

from builder import dbt
from tests.end_to_end.companies import ROOT, WITHOUT_UNIT_TESTS, Company
from tests.incremental.world import World, begin_with

MONTHS = (1, 3, 6, 12)
GOALS = {"no change": 0.02, "a new day": 0.10, "a restated month": 0.15}
OFFENDERS = 12

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
def profiled(file: Path) -> Iterator[None]:
    """Builds write what their statements read to a file."""
    command, environment = dbt.DBT, dict(os.environ)
    dbt.DBT = (sys.executable, "-m", "tests.bench.counting")
    os.environ |= {"INFRASPEND_COUNTS": str(file), "PYTHONPATH": str(ROOT)}
    try:
        yield
    finally:
        dbt.DBT = command
        for name in ("INFRASPEND_COUNTS", "PYTHONPATH"):
            os.environ.pop(name)
        os.environ |= environment


def count(company: Company) -> Counts:
    """Builds what has landed and counts what the engine read for it."""
    file = company.root / "scans.jsonl"
    before = os.times()
    with profiled(file):
        result = company.build(*WITHOUT_UNIT_TESTS)
    assert result.succeeded, "\n".join(result.failures)
    after = os.times()
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
    found = {"everything": count(world.company)}
    found["no change"] = count(world.company)
    _add_a_day(world)
    found["a new day"] = count(world.company)
    world.change(world.calendar[0].name, price=987_654_321)
    world.land()
    found["a restated month"] = count(world.company)
    return found


def _add_a_day(world: World) -> None:
    """Another assembly of the last month, and the day of usage that it tells of."""
    turn = len(world.calendar) - 1
    hours = range(15 * 24, 16 * 24)
    world.change(world.calendar[turn].name, days=3)
    world.collect("blue", turn, hours, (1, 2, 3))
    world.publish(("spark", "prod"), turn, hours, (1, 2, 4))
    world.land()


def told(months: int, found: dict[str, Counts]) -> str:
    """The figures of one length of history, and what reads most where little should be read."""
    whole = found["everything"].rows.total()
    lines = [f"{months} months of history"]
    for what, counts in found.items():
        rows = counts.rows.total()
        goal = f" (goal {GOALS[what]:.0%})" if what in GOALS else ""
        lines.append(
            f"    {what:<18}{rows:>12,} rows {rows / whole:>7.1%}{goal},"
            f" {counts.in_row_groups.total():,} in row groups, {counts.cpu_seconds:.1f} CPU s"
        )
    for what in GOALS:
        for (node, table), rows in found[what].rows.most_common(OFFENDERS):
            lines.append(f"        {what}: {rows:>9,} {node} < {table}")
    return "\n".join(lines)


def main() -> None:
    """Prints the figures of every length of history."""
    for months in [int(argument) for argument in sys.argv[1:]] or MONTHS:
        with tempfile.TemporaryDirectory(prefix="infraspend-bench-") as directory:
            print(told(months, measure(Path(directory), months)), flush=True)


if __name__ == "__main__":
    main()
