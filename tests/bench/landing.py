"""What landing the bill costs, against the least that DuckDB could do with the same files.

    python -m tests.bench.landing [LINES]

For Parquet the least is `create table as select *`, for CSV.gz the same from `read_csv` with every
column as text. Landing includes what makes it trustworthy: hashes, checksums, control totals, tags
as JSON, exact decimals, the summary. Ratios are of CPU time; both sides run in this process.

Line items land with every column of CUR 2.0, and DuckDB takes as long for a column of NULLs as for
some that hold something. So the least is printed for that shape, too: what is between the two is
the price of the shape, and what is above is that of landing.
"""

import csv
import gzip
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from loaders import aws_cur
from loaders.cur_columns import CUR_COLUMNS
from loaders.sql import csv_call, literal
from loaders.warehouse import LakeUrl, create_raw_tables

LINES = 1_000_000
FILES = 4

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


def main() -> None:
    """Prints both ratios, and beside them what landing in a lake costs."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else LINES
    with tempfile.TemporaryDirectory(prefix="infraspend-bench-") as directory:
        _compare("CUR 2.0 Parquet", Path(directory) / "parquet", lines, ".snappy.parquet", 1.35)
        _compare("CUR 2.0 CSV.gz", Path(directory) / "csv", lines, ".csv.gz", 1.7)


def _compare(what: str, folder: Path, lines: int, suffix: str, most: float) -> None:
    files = _deliver(folder / "bill", lines, suffix)
    if suffix == ".csv.gz":
        with gzip.open(files[0], "rt", encoding="utf-8", newline="") as text:
            header = next(csv.reader(text))
        reader = csv_call(files, header, "gzip")
    else:
        reader = f"read_parquet([{', '.join(literal(str(file)) for file in files)}])"

    def least() -> None:
        with duckdb.connect(folder / "least.duckdb") as connection:
            connection.execute(f"create table line_items as select * from {reader}")

    def least_in_shape() -> None:
        with duckdb.connect(folder / "shaped.duckdb") as connection:
            there = {row[0] for row in connection.execute(f"describe from {reader}").fetchall()}
            empty = "".join(
                f", cast(null as {kind}) as {name}"
                for name, kind in CUR_COLUMNS.items()
                if name not in there
            )
            connection.execute(f"create table line_items as select *{empty} from {reader}")

    def land() -> None:
        aws_cur.load(folder / "infraspend.duckdb", str(folder / "bill"))

    def land_in_lake() -> None:
        aws_cur.load(lake, str(folder / "bill"))

    lake = LakeUrl(str(folder / "lake"))
    create_raw_tables(folder / "infraspend.duckdb")
    create_raw_tables(lake)
    plain, shaped = _seconds(least), _seconds(least_in_shape)
    landed, again = _seconds(land), _seconds(land)
    for_spark = _seconds(land_in_lake)
    ratio = landed[0] / plain[0]
    print(f"{what}: {lines:,} lines, {len(files)} files, {sum(map(_size, files)):,} bytes")
    print(f"    DuckDB alone     {plain[0]:7.2f} CPU s, {plain[1]:7.2f} s")
    print(f"    in CUR 2.0 shape {shaped[0]:7.2f} CPU s, {shaped[1]:7.2f} s")
    print(f"    landing          {landed[0]:7.2f} CPU s, {landed[1]:7.2f} s: {ratio:.2f} times")
    print(f"    of the same shape {landed[0] / shaped[0]:.2f} times")
    print(f"    landing for Spark {for_spark[0]:6.2f} CPU s, {for_spark[1]:7.2f} s")
    print(f"    nothing new      {again[0]:7.2f} CPU s, {again[1]:7.2f} s")
    print(f"    the goal is {most} times: {'met' if ratio <= most else 'missed'}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    print(f"    peak memory so far {peak:.2f} GiB", flush=True)


def _deliver(bucket: Path, lines: int, suffix: str) -> list[Path]:
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
    return files


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds of a piece of work."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def _size(file: Path) -> int:
    return file.stat().st_size


if __name__ == "__main__":
    main()
