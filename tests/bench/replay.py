"""What each node of a build costs: its SQL once more, alone, on the warehouse that was built.

    python -m tests.bench.replay WAREHOUSE [--top N]

dbt says how long a node took, not how much CPU of all threads. So every statement that dbt wrote
down runs again by itself and the CPU time of the process is read around it. A model's statement is
the very one that built it, a month after the other where it is built by months, but for the name of
the table, which goes to a schema of its own and is dropped at once; of a test, its failures are
counted, as dbt does. What it needs is all there, so the order is
nothing to worry about. What dbt itself takes (parsing, unit tests, its log) is not in here.

The warehouse must be the last full build's: an incremental build writes down other statements.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

STAGES = ("compare", "price", "label", "weigh", "split", "serve", "test")

_SCHEMA = "bench_replay"
_STAGES_OF_FOLDERS = {
    "models/pipeline": "compare",
    "models/staging/aws_cur": "price",
    "models/intermediate/aws_cur": "price",
    "models/intermediate/charges": "price",
    "models/intermediate/true_cost": "price",
    "models/intermediate/labels": "label",
    "models/staging/seeds": "label",
    "models/staging/kubernetes": "weigh",
    "models/staging/platforms": "weigh",
    "models/intermediate/attribution": "weigh",
    "models/marts": "serve",
}
#: The models beside those that weigh which bring charges and schedules together.
_SPLITTING = (
    "int_charges_",
    "int_platform_dependencies",
    "int_instances_billed",
    "int_allocation_levels",
    "int_interval_schedules",
    "int_platform_throughput",
    "int_platform_keys",
    "explained_spend",
    "explained_splits",
    "int_allocation_steps",
    "int_allocation_shares",
    "int_workload_spend",
)


@dataclass(frozen=True)
class Cost:
    """What a node cost when it ran alone.

    Attributes:
        name: The node's name.
        stage: One of `STAGES`.
        cpu: CPU seconds of all threads.
        wall: Seconds on the clock.
    """

    name: str
    stage: str
    cpu: float
    wall: float


def replay(warehouse: Path, threads: int = 2) -> list[Cost]:
    """Runs every model and data test of the last build again, one by one.

    Args:
        warehouse: A warehouse that `infraspend build` built whole; its tables stay as they are.
        threads: How many threads DuckDB may use.
    """
    target = warehouse.with_name(f"{warehouse.name}.dbt") / "target"
    nodes: dict[str, Any] = json.loads((target / "manifest.json").read_text())["nodes"]
    results = json.loads((target / "run_results.json").read_text())["results"]
    with duckdb.connect(warehouse) as connection:
        connection.execute(f"set threads = {threads}")
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"drop schema if exists {_SCHEMA} cascade")
        months = connection.execute("select month from pipeline.months order by month").fetchall()
        costs = []
        for name, stage, statement in _statements(
            nodes, results, target, warehouse.stem, [str(month) for (month,) in months]
        ):
            connection.execute(f"create schema {_SCHEMA}")
            cpu, wall = time.process_time(), time.perf_counter()
            connection.execute(statement).fetchall()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            connection.execute(f"drop schema {_SCHEMA} cascade")
            costs.append(Cost(name, stage, cpu, wall))
    return costs


def by_stage(costs: Sequence[Cost]) -> dict[str, float]:
    """CPU seconds of every stage, in the order in which a dollar flows."""
    sums: defaultdict[str, float] = defaultdict(float)
    for cost in costs:
        sums[cost.stage] += cost.cpu
    return {stage: sums[stage] for stage in STAGES}


def _statements(
    nodes: Mapping[str, Any],
    results: Sequence[Mapping[str, Any]],
    target: Path,
    catalog: str,
    months: Sequence[str],
) -> Iterator[tuple[str, str, str]]:
    """Every node's name, its stage and the statement to run."""
    for result in results:
        node = nodes.get(result["unique_id"])
        if node is None:
            # A unit test or a hook.
            continue
        if node["resource_type"] == "test":
            yield node["name"], "test", f"select count(*) from ({result['compiled_code']})"
        elif node["config"].get("unique_key"):
            yield node["name"], _stage(node), _by_month(node, result["compiled_code"], months)
        elif node["resource_type"] == "model":
            path = target / "run" / node["package_name"] / node["original_file_path"]
            yield node["name"], _stage(node), _elsewhere(path.read_text(), node, catalog)


def _by_month(node: Mapping[str, Any], query: str, months: Sequence[str]) -> str:
    """The statements of a model that is built by months."""
    there = f'"{_SCHEMA}"."{node["alias"]}"'
    into = [f"create table {there} as", *[f"insert into {there} by name"] * (len(months) - 1)]
    statements = [
        f"set variable refreshed_month = '{month}';\n{make}\n{query}\n;"
        for month, make in zip(months, into, strict=True)
    ]
    return "\n".join((*statements, "reset variable refreshed_month"))


def _elsewhere(statement: str, node: Mapping[str, Any], catalog: str) -> str:
    """The statement, building the model in the schema for that and not in its place."""
    place = f'"{catalog}"."{node["schema"]}"."{node["alias"]}'
    there = f'"{_SCHEMA}"."{node["alias"]}"'
    return statement.replace(f'{place}__dbt_tmp"', there).replace(f'{place}"', there)


def _stage(node: Mapping[str, Any]) -> str:
    if node["name"] == "enriched_spend":
        return "split"
    stage = _STAGES_OF_FOLDERS[str(Path(node["original_file_path"]).parent)]
    return "split" if stage == "weigh" and node["name"].startswith(_SPLITTING) else stage


def main() -> None:
    """Prints a line for every stage, and the dearest models and tests."""
    parser = argparse.ArgumentParser(description="What each node of a build costs.")
    parser.add_argument("warehouse", type=Path)
    parser.add_argument("--top", type=int, default=15, help="how many models and tests to name")
    arguments = parser.parse_args()
    costs = replay(arguments.warehouse)
    for stage, cpu in by_stage(costs).items():
        print(f"{stage:<8}{cpu:9.2f} CPU s")
    for what, ones in (
        ("models", [cost for cost in costs if cost.stage != "test"]),
        ("tests", [cost for cost in costs if cost.stage == "test"]),
    ):
        print(f"The dearest {what}:")
        for cost in sorted(ones, key=lambda cost: -cost.cpu)[: arguments.top]:
            print(f"{cost.cpu:9.2f} CPU s {cost.wall:9.2f} s  {cost.name}")


if __name__ == "__main__":
    main()
