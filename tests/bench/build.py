"""What a full build costs, next to statements written by hand for the same work.

    python -m tests.bench.build WAREHOUSE [--seeds DIR] [--memory 3GB]

The build runs as a process of its own: its CPU time, its time on the clock, the most memory that it
held and the most that it wrote to its temporary directory are of it alone. Then its models and data
tests run once more, one by one, for a line per stage (tests/bench/replay.py), and the same marts
are made by hand (tests/bench/baseline.py), which also proves them equal. The goal is that all
models and data tests take at most 3 times the CPU of the statements by hand, also those that
nothing by hand stands beside. What dbt takes to start, to parse and for unit tests is shown apart,
and so is what it cost to write everything in one process.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from tests.bench import baseline, replay

#: At most so many times the CPU of the statements by hand.
GOAL = 3.0
#: Marts that the statements by hand do not make, and the models that only they need.
APART = (
    "int_compared_schedules",
    "explained_spend",
    "explained_splits",
    "commitment_usage",
    "cost_model_comparison",
    "invoice_bridge",
    "migration_progress",
    "platform_health",
    "price_changes",
    "restatements",
)
_EVERY = 0.2


@dataclass(frozen=True)
class Process:
    """What a process cost, with the processes that it started.

    Attributes:
        cpu: CPU seconds.
        wall: Seconds on the clock.
        memory: The largest resident set of any one of the processes, in bytes.
        temporary: The most that stood in the temporary directory at once, in bytes.
    """

    cpu: float
    wall: float
    memory: int
    temporary: int


def measured(command: list[str], environment: dict[str, str], temporary: Path) -> Process:
    """Runs a command to its end.

    Args:
        command: The program and its arguments.
        environment: What is set for it besides what is set already.
        temporary: The directory in which it puts what does not fit into memory; need not exist.

    Raises:
        subprocess.CalledProcessError: The command failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    most = memory = 0
    with subprocess.Popen(command, env=os.environ | environment) as process:
        while process.poll() is None:
            most = max(most, _size(temporary))
            memory = max(memory, _resident(process.pid))
            time.sleep(_EVERY)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Process(
        cpu=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        wall=time.perf_counter() - started,
        memory=memory,
        temporary=most,
    )


def _resident(pid: int) -> int:
    """The peak resident set of a process and of those that it started, in bytes."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        # It has just ended, or this is not Linux.
        return 0
    peak = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
    return max([size << 10 for size in peak] + [_resident(int(child)) for child in children] + [0])


def _size(directory: Path) -> int:
    size = 0
    # It passes over folders that have gone; DuckDB removes what it no longer needs at any time.
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                size += Path(folder, name).stat().st_size
            except FileNotFoundError:
                continue
    return size


def report(warehouse: Path, seeds: Path, memory: str) -> float:
    """Builds, prints a line per stage, and says how many times the work by hand it took.

    Args:
        warehouse: A warehouse in which everything is landed.
        seeds: The company's seeds.
        memory: How much memory DuckDB may use.
    """
    built = measured(
        [str(Path(sys.executable).with_name("infraspend")), "build", "--warehouse", str(warehouse)],
        {"INFRASPEND_SEEDS": str(seeds), "INFRASPEND_MEMORY": memory},
        warehouse.with_name(f"{warehouse.name}.tmp"),
    )
    nodes = replay.replay(warehouse)
    with tempfile.TemporaryDirectory(prefix="infraspend-baseline-", dir=warehouse.parent) as made:
        by_hand = baseline.run(warehouse, Path(made))

    hand: defaultdict[str, float] = defaultdict(float)
    for cost in by_hand:
        hand[cost.stage] += cost.cpu
    same: defaultdict[str, list[replay.Cost]] = defaultdict(list)
    for node in nodes:
        same["apart" if node.name in APART else node.stage].append(node)
    print(f"{'stage':<10}{'CPU s':>9}{'alone, s':>10}{'by hand':>9}{'times':>7}")
    for stage in (*replay.STAGES, "apart"):
        cpu = sum(node.cpu for node in same[stage])
        wall = sum(node.wall for node in same[stage])
        ratio = f"{cpu / hand[stage]:7.2f}" if hand[stage] else ""
        print(f"{stage:<10}{cpu:9.2f}{wall:10.2f}{hand[stage]:9.2f}{ratio}")
    ours = sum(node.cpu for stage, ones in same.items() if stage != "apart" for node in ones)
    theirs = sum(hand.values())
    every = sum(node.cpu for node in nodes)
    times = every / theirs
    print(f"the same marts {ours:.1f} CPU s, by hand {theirs:.1f}: {ours / theirs:.2f} times")
    print(f"all models and data tests {every:.1f} CPU s: {times:.2f} times")
    print(f"the goal is {GOAL:g} times: {'met' if times <= GOAL else 'missed'}")
    print(
        f"the build {built.cpu:.1f} CPU s in {built.wall:.1f} s;"
        f" dbt, unit tests and doing it at once: {built.cpu - every:.1f} CPU s"
    )
    print(
        f"peak memory {built.memory / (1 << 30):.2f} GiB,"
        f" temporary files {built.temporary / (1 << 30):.2f} GiB,"
        f" warehouse {warehouse.stat().st_size / (1 << 30):.2f} GiB",
        flush=True,
    )
    return times


def main() -> None:
    """Prints the report."""
    parser = argparse.ArgumentParser(description="What a full build costs.")
    parser.add_argument("warehouse", type=Path)
    parser.add_argument("--seeds", type=Path, default=Path("seeds"))
    parser.add_argument("--memory", default="3GB", help="how much memory DuckDB may use")
    arguments = parser.parse_args()
    report(arguments.warehouse, arguments.seeds, arguments.memory)


if __name__ == "__main__":
    main()
