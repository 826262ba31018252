"""Measures what the way from price to split costs on Spark: `python -m tests.bench.spark`.

Simulates a company, lands it in a lake, builds `enriched_spend` and what it needs with Spark on
this machine, and reads from Spark's event log, table by table, what that cost. The CPU is that of
the tasks, so that it can be compared between machines that are busy and others.
"""

import argparse
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from infraspend.builder import build
from infraspend.builder.spark import home_beside
from infraspend.loaders import aws_cur, kubernetes, platforms
from infraspend.loaders.sql import literal
from infraspend.loaders.warehouse import LakeUrl
from infraspend.simulation import simulate
from tests.workspaces import ROOT

_LOGGED = """
spark.eventLog.enabled true
spark.eventLog.dir file:{folder}
spark.eventLog.rolling.enabled false
spark.eventLog.compress false
"""
_WRITES = re.compile(
    r"Execute InsertIntoHadoopFsRelationCommand.*?Arguments: [^,\n]*/(\w+)\.db/(\w+)", re.DOTALL
)


@dataclass
class Cost:
    """What the tasks that made a table did.

    Attributes:
        cpu: Seconds of CPU.
        read: Rows that were read from files.
        shuffled: Rows that went through shuffles.
        shuffled_bytes: How many bytes they were.
        spilled_bytes: What did not fit into memory.
    """

    cpu: float = 0
    read: int = 0
    shuffled: int = 0
    shuffled_bytes: int = 0
    spilled_bytes: int = 0

    def add(self, metrics: dict[str, Any]) -> None:
        """Adds the metrics of a task, as the event log has them."""
        written = metrics["Shuffle Write Metrics"]
        self.cpu += metrics["Executor CPU Time"] / 1e9
        self.read += metrics["Input Metrics"]["Records Read"]
        self.shuffled += written["Shuffle Records Written"]
        self.shuffled_bytes += written["Shuffle Bytes Written"]
        self.spilled_bytes += metrics["Disk Bytes Spilled"]


def costs_in(events: Iterable[dict[str, Any]]) -> dict[str, Cost]:
    """What each table cost, by its name; a step of a table counts as the table."""
    costs: dict[str, Cost] = defaultdict(Cost)
    tables: dict[str, str] = {}
    makes: dict[int, str] = {}
    for event in events:
        match event["Event"].rpartition(".")[2]:
            case "SparkListenerSQLExecutionStart":
                if written := _WRITES.search(event["physicalPlanDescription"]):
                    schema, table = written.groups()
                    made = table.rpartition("__")[0] if schema == "steps" else table
                    tables[str(event["executionId"])] = made
            case "SparkListenerJobStart":
                execution = event["Properties"].get("spark.sql.execution.id", "")
                if execution in tables:
                    makes |= dict.fromkeys(event["Stage IDs"], tables[execution])
            case "SparkListenerTaskEnd":
                if event["Stage ID"] in makes and event.get("Task Metrics"):
                    costs[makes[event["Stage ID"]]].add(event["Task Metrics"])
    return costs


def measure(folder: Path, days: int, scale: float) -> tuple[int, dict[str, Cost]]:
    """Builds a company of a size; returns the lines of its bill and what each table cost.

    Raises:
        RuntimeError: The build failed.
    """
    delivered = simulate(folder / "delivered", days=days, scale=scale)
    warehouse, lake = folder / "bench.duckdb", LakeUrl(str(folder / "lake"))
    aws_cur.load(lake, str(delivered.bill))
    kubernetes.load(lake, str(delivered.kubernetes))
    platforms.load(lake, str(delivered.platforms))
    events = folder / "events"
    events.mkdir()
    (folder / "spark-defaults.conf").write_text(_LOGGED.format(folder=events))
    os.environ["SPARK_CONF_DIR"] = str(folder)
    wanted = ("--select", "+enriched_spend", "--exclude-resource-type", "test")
    built = build(warehouse, ROOT, delivered.seeds, wanted, lake=lake)
    if not built.succeeded:
        raise RuntimeError("\n".join(built.failures))
    (log,) = events.iterdir()
    return lines_in(home_beside(warehouse), lake), costs_in(events_in(log))


def events_in(log: Path) -> Iterator[dict[str, Any]]:
    """What Spark noted, in order."""
    with log.open() as lines:
        yield from map(json.loads, lines)


def lines_in(home: Path, lake: LakeUrl) -> int:
    """How many lines of bills were landed."""
    files = literal(f"{lake.url}/raw_aws_cur/line_items/**/*.parquet")
    with duckdb.connect(str(home / "infraspend.duckdb"), read_only=True) as connection:
        ((lines,),) = connection.execute(f"select count(*) from read_parquet({files})").fetchall()
    return int(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=2)
    parser.add_argument("--scale", type=float, default=20)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        lines, costs = measure(Path(folder), asked.days, asked.scale)
    print(f"{lines:,} lines")
    total = Cost()
    print(f"{'table':36}{'CPU s':>9}{'read':>14}{'shuffled':>13}{'MB':>8}{'spilled MB':>12}")
    for table, cost in sorted(costs.items(), key=lambda item: -item[1].cpu):
        _print_line(table, cost)
        for measured in vars(total):
            setattr(total, measured, getattr(total, measured) + getattr(cost, measured))
    _print_line("all", total)


def _print_line(table: str, cost: Cost) -> None:
    print(
        f"{table:36}{cost.cpu:9.1f}{cost.read:14,}{cost.shuffled:13,}"
        f"{cost.shuffled_bytes / 1e6:8.1f}{cost.spilled_bytes / 1e6:12.1f}"
    )


if __name__ == "__main__":
    main()
