"""What the whole way costs, from a company's deliveries to its marts, at a size.

    python -m tests.bench.whole [--scale 57] [--days 61] [--operations 2] [--company DIR]

The company is simulated and landed, each command a process of its own, and then built: that prints
a line per stage, next to statements written by hand (tests/bench/build.py). What is in DIR already
is not simulated again. At the end the marts must add up to what `simulation.json` says of every
billing period, to the last digit.
"""

import argparse
import json
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import duckdb

from tests.bench import build

#: 20 million lines of the bill, which make 30 million rows of enriched spend.
SCALE = 57
DAYS = 61
OPERATIONS = 2

_DELIVERED = {"aws-cur": "bill", "kubernetes": "kubernetes", "platforms": "platforms"}
_BUILT = """
    select billing_period, 'line_count' as what, sum(line_count) as amount
    from raw_aws_cur.assemblies group by billing_period
    union all
    select billing_period, 'invoice', sum(amount)
    from marts.invoice_bridge where bridge_item = 'invoice' group by billing_period
    union all
    select billing_period, 'true_cost', sum(true_cost) from marts.true_cost group by billing_period
    union all
    select billing_period, 'true_cost', sum(spend) from marts.enriched_spend group by billing_period
"""


def measure(company: Path, folder: Path, arguments: list[str], memory: str) -> None:
    """Simulates, lands and builds a company, and prints what each took.

    Args:
        company: Where it is simulated, or was before.
        folder: Where the warehouse goes.
        arguments: Of `infraspend simulate`.
        memory: How much memory DuckDB may use to build.

    Raises:
        RuntimeError: The marts do not add up to what is true.
    """
    simulating = build.measured(
        _infraspend("simulate", "--out", str(company), *arguments), {}, folder / "none"
    )
    record = json.loads((company / "simulation.json").read_text())
    warehouse = folder / "infraspend.duckdb"
    landing = {
        verb: build.measured(
            [
                *_infraspend("load", verb, "--from", str(company / delivered)),
                *("--warehouse", str(warehouse)),
            ],
            {"INFRASPEND_SEEDS": str(company / "seeds")},
            warehouse.with_name(f"{warehouse.name}.tmp"),
        )
        for verb, delivered in _DELIVERED.items()
    }
    print(f"{record['bill_lines']:,} lines of the bill in {len(record['files']):,} files")
    _print("simulate", [simulating])
    _print("land", list(landing.values()))
    for verb, cost in landing.items():
        _print(f"  {verb}", [cost])
    build.report(warehouse, company / "seeds", memory)
    check(warehouse, record["totals"])


def check(warehouse: Path, totals: list[dict[str, str | int]]) -> None:
    """Compares what the marts add up to with the totals of a simulation, exactly.

    Raises:
        RuntimeError: They differ.
    """
    true = {str(total["billing_period"]): total for total in totals}
    with duckdb.connect(warehouse, read_only=True) as connection:
        built = connection.execute(_BUILT).fetchall()
        ((rows,),) = connection.execute("select count(*) from marts.enriched_spend").fetchall()
    if {period for period, _, _ in built} != set(true):
        raise RuntimeError(f"the marts are of other months than {', '.join(true)}")
    for period, what, amount in built:
        if amount != Decimal(true[period][what]):
            raise RuntimeError(f"{what} of {period} is {amount} and not {true[period][what]}")
    print(f"{rows:,} rows of enriched spend, which add up to what is true, to the last digit")


def _infraspend(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("infraspend")), *arguments]


def _print(what: str, costs: list[build.Process]) -> None:
    print(
        f"{what:<12}{sum(cost.cpu for cost in costs):9.1f} CPU s"
        f"{sum(cost.wall for cost in costs):9.1f} s"
        f"{max(cost.memory for cost in costs) / (1 << 30):7.2f} GiB",
        flush=True,
    )


def main() -> None:
    """Prints the report."""
    parser = argparse.ArgumentParser(description="What the whole way costs, at a size.")
    parser.add_argument("--scale", type=int, default=SCALE, help="how many subsidiaries")
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--operations", type=int, default=OPERATIONS)
    parser.add_argument("--company", type=Path, help="where to keep what is simulated")
    parser.add_argument("--memory", default="3GB", help="of DuckDB, to build")
    asked = parser.parse_args()
    if asked.scale < 2:
        parser.error("--scale: a group has two subsidiaries at least")
    arguments = [
        *("--scale", str(asked.scale), "--days", str(asked.days)),
        *("--operations", str(asked.operations)),
    ]
    with tempfile.TemporaryDirectory(prefix="infraspend-bench-") as made:
        folder = Path(made)
        measure(asked.company or folder / "company", folder, arguments, asked.memory)


if __name__ == "__main__":
    main()
