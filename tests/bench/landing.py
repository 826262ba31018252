"""What landing the bill costs, against the least that DuckDB could do with the same files.

    python -m tests.bench.landing [LINES [ROUNDS]]

For Parquet the least is `create table as select *`, for CSV.gz the same from `read_csv` with every
column as text. Landing includes what makes it trustworthy: hashes, checksums, control totals, tags
as JSON, exact decimals, the summary.

Ratios are of CPU time, which other programs on the machine inflate: both sides run in every round,
one after the other, and the least of each counts. Every piece of work has a process of its own, so
that its memory is its own, too. A landing has a fixed part of about a second, whatever its size.
"""

import csv
import gzip
import json
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from infraspend.loaders import aws_cur
from infraspend.loaders.open_warehouse import create_raw_tables
from infraspend.loaders.sql import csv_call, literal
from infraspend.loaders.warehouse import LakeUrl

LINES = 1_000_000
ROUNDS = 2
FILES = 4
MOST_MEMORY = 2.5
"""GB that landing may take, whatever the size of the bill."""

_TEXT = """
    bill_bill_type bill_billing_entity bill_invoice_id line_item_availability_zone
    line_item_blended_rate line_item_legal_entity line_item_tax_type line_item_unblended_rate
    pricing_rate_code pricing_rate_id pricing_term pricing_unit product_instance_type
    product_product_family product_region_code product_servicecode product_sku product_usagetype
    reservation_reservation_a_r_n savings_plan_savings_plan_a_r_n
""".split()
_AMOUNTS = """
    line_item_usage_amount pricing_public_on_demand_cost line_item_blended_cost
    line_item_net_unblended_cost reservation_effective_cost
    savings_plan_savings_plan_effective_cost
""".split()
_MOSTLY_EMPTY = """
    discount_total_discount line_item_normalization_factor line_item_normalized_usage_amount
    reservation_amortized_upfront_cost_for_usage
    reservation_amortized_upfront_fee_for_billing_period reservation_net_effective_cost
    reservation_recurring_fee_for_usage reservation_unused_quantity
    reservation_unused_recurring_fee reservation_upfront_value
    savings_plan_amortized_upfront_commitment_for_billing_period
    savings_plan_recurring_commitment_for_billing_period
    savings_plan_savings_plan_rate savings_plan_total_commitment_to_date
    savings_plan_used_commitment
""".split()
_MAPS = ("resource_tags", "product", "cost_category", "discount")
_SPECIAL = """
    '000111111111' as bill_payer_account_id,
    timestamp '2026-10-01' as bill_billing_period_start_date,
    timestamp '2026-11-01' as bill_billing_period_end_date,
    printf('%012d', 100000 + i % 200) as line_item_usage_account_id,
    'USD' as line_item_currency_code,
    case when i % 5 = 0 then 'DiscountedUsage' else 'Usage' end as line_item_line_item_type,
    md5(cast(i as varchar)) as identity_line_item_id,
    strftime(h, '%Y-%m-%dT%H:%M:%SZ') || '/' || strftime(h + interval 1 hour, '%Y-%m-%dT%H:%M:%SZ')
        as identity_time_interval,
    'i-' || substr(md5(cast(i % 50000 as varchar)), 1, 17) as line_item_resource_id,
    ['AmazonEC2', 'AmazonS3', 'AmazonRDS'][1 + i % 3] as line_item_product_code,
    'USW2-Box' || (i % 300) as line_item_usage_type,
    'RunInstances:' || (i % 20) as line_item_operation,
    '$0.0' || (i % 900) || ' per On Demand Linux m5.large Instance Hour'
        as line_item_line_item_description,
    h as line_item_usage_start_date,
    h + interval 1 hour as line_item_usage_end_date,
    case when i % 100003 = 0 then 293447.37059151
        else cast(round(((i * 7919) % 99991) / 99991.0, 10) as double) end
        as line_item_unblended_cost,
    map(
        ['user_service', 'user_team', 'aws_eks_cluster_name', 'user_env'],
        ['svc-' || (i % 3000), 'team-' || (i % 40), case when i % 3 = 0 then 'core' else '' end,
         'prod']
    ) as resource_tags,
    map(
        ['operating_system', 'region', 'tenancy', 'instance_type_family', 'vcpu'],
        ['Linux', 'us-west-2', 'Shared', 'm5', cast(i % 8 as varchar)]
    ) as product,
    map(['division'], ['d' || (i % 6)]) as cost_category,
    map(['edp_discount'], [cast(-0.05 as double)]) as discount
"""


@dataclass(frozen=True)
class Cost:
    """What a piece of work took.

    Attributes:
        cpu: CPU seconds, of all its threads and of the processes that it started.
        wall: Seconds.
        memory: The most memory that its process held at a time, in GB.
    """

    cpu: float
    wall: float
    memory: float

    def __str__(self) -> str:
        return f"{self.cpu:7.2f} CPU s, {self.wall:7.2f} s, {self.memory:5.2f} GB"


def main() -> None:
    """Prints both ratios, and beside them what landing in a lake costs."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else LINES
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    with tempfile.TemporaryDirectory(prefix="infraspend-bench-") as directory:
        for what, suffix, most in (
            ("Parquet", ".snappy.parquet", 1.35),
            ("CSV.gz", ".csv.gz", 1.7),
        ):
            folder = Path(directory) / what
            _apart(_deliver, folder / "bill", lines, suffix)
            _compare(f"CUR 2.0 {what}", folder, lines, suffix, rounds, most)


def _compare(what: str, folder: Path, lines: int, suffix: str, rounds: int, most: float) -> None:
    files = sorted((folder / "bill").rglob(f"*{suffix}"))
    print(f"{what}: {lines:,} lines, {len(files)} files, {sum(map(_size, files)):,} bytes")
    least, landing, again = [], [], []
    for number in range(rounds):
        database = folder / f"least-{number}.duckdb"
        least.append(_apart(_read, database, files))
        database.unlink()
        warehouse = folder / f"infraspend-{number}.duckdb"
        _apart(create_raw_tables, warehouse)
        landing.append(_apart(_land, warehouse, folder / "bill"))
        again.append(_apart(_land, warehouse, folder / "bill"))
        warehouse.unlink()
        lake = LakeUrl(str(folder / f"lake-{number}"))
        _apart(create_raw_tables, lake)
        for_spark = _apart(_land, lake, folder / "bill")
        shutil.rmtree(lake.url)
        print(f"    round {number + 1}")
        print(f"        DuckDB alone  {least[-1]}")
        print(f"        landing       {landing[-1]}")
        print(f"        nothing new   {again[-1]}")
        print(f"        for Spark     {for_spark}", flush=True)
    ratio = min(cost.cpu for cost in landing) / min(cost.cpu for cost in least)
    memory = max(cost.memory for cost in landing)
    print(f"    CPU     {ratio:.2f} times; the goal is {most}: {_met(ratio <= most)}")
    print(f"    memory  {memory:.2f} GB; the goal is {MOST_MEMORY}: {_met(memory <= MOST_MEMORY)}")


def _read(database: Path, files: list[Path]) -> None:
    """The least that DuckDB could do."""
    if files[0].suffix == ".gz":
        with gzip.open(files[0], "rt", encoding="utf-8", newline="") as text:
            reader = csv_call(files, next(csv.reader(text)), "gzip")
    else:
        reader = f"read_parquet([{', '.join(literal(str(file)) for file in files)}])"
    with duckdb.connect(database) as connection:
        connection.execute(f"create table line_items as select * from {reader}")


def _land(warehouse: Path | LakeUrl, bucket: Path) -> None:
    aws_cur.load(warehouse, str(bucket))


def _apart(work: Callable[..., object], *arguments: Any) -> Cost:
    """Runs a piece of work in a process of its own.

    Raises:
        RuntimeError: It failed; what it said is on the terminal.
    """
    processes = multiprocessing.get_context("spawn")
    hears, says = processes.Pipe(duplex=False)
    process = processes.Process(target=_measured, args=(says, work, arguments))
    process.start()
    says.close()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{work.__name__} failed")
    cost: Cost = hears.recv()
    return cost


def _measured(says: Any, work: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    cpu, wall = _cpu(), time.perf_counter()
    work(*arguments)
    cost = Cost(_cpu() - cpu, time.perf_counter() - wall, _memory())
    says.send(cost)


def _cpu() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _memory() -> float:
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def _met(is_met: bool) -> str:
    return "met" if is_met else "missed"


def _deliver(bucket: Path, lines: int, suffix: str) -> None:
    """Writes a month of a data export and its manifest."""
    export = bucket / "export"
    data = export / "data" / "BILLING_PERIOD=2026-10"
    data.mkdir(parents=True)
    columns = [_SPECIAL]
    columns += [f"'{name[:9]}' || (i % 40) as {name}" for name in _TEXT]
    columns += [
        f"cast(round(((i * {number} * 7919) % 99991) / 99991.0, 10) as double) as {name}"
        for number, name in enumerate(_AMOUNTS, start=1)
    ]
    columns += [
        f"cast(case when i % {number} = 0 then (i % 977) / 64.0 end as double) as {name}"
        for number, name in enumerate(_MOSTLY_EMPTY, start=5)
    ]
    files = []
    with duckdb.connect() as connection:
        for number in range(FILES):
            files.append(data / f"export-{number + 1:05}{suffix}")
            first, last = lines * number // FILES, lines * (number + 1) // FILES
            select = (
                f"select {', '.join(columns)} from (select range as i,"
                f" timestamp '2026-10-01' + interval (range % 744) hour as h"
                f" from range({first}, {last}))"
            )
            if suffix == ".csv.gz":
                texts = ", ".join(f"cast(to_json({name}) as varchar) as {name}" for name in _MAPS)
                select = f"select * replace ({texts}) from ({select})"
                options = "format csv, header, compression gzip"
            else:
                options = "format parquet, compression snappy"
            connection.execute(f"copy ({select}) to {literal(str(files[-1]))} ({options})")
    manifest = export / "metadata" / "BILLING_PERIOD=2026-10" / "export-Manifest.json"
    manifest.parent.mkdir(parents=True)
    keys = [f"s3://bucket/{file.relative_to(bucket).as_posix()}" for file in files]
    manifest.write_text(json.dumps({"executionId": "bench", "dataFiles": keys}))


def _size(file: Path) -> int:
    return file.stat().st_size


if __name__ == "__main__":
    main()
