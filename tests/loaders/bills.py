"""Deliveries of AWS's, written by the tests in AWS's layouts."""

import csv
import gzip
import io
import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

FIXTURE = Path(__file__).parent.parent / "fixtures" / "legacy_daily_report.csv"
"""Eleven lines of a real report, made anonymous by the focus_converters project."""

Row = Mapping[str, str]

CHARGE = {
    "identity/TimeInterval": "2026-10-03T05:00:00Z/2026-10-03T06:00:00Z",
    "bill/PayerAccountId": "000111111111",
    "bill/BillingPeriodStartDate": "2026-10-01T00:00:00.000Z",
    "lineItem/UsageAccountId": "012345678901",
    "lineItem/LineItemType": "Usage",
    "lineItem/UsageStartDate": "2026-10-03T05:00:00Z",
    "lineItem/UsageEndDate": "2026-10-03T06:00:00Z",
    "lineItem/CurrencyCode": "USD",
    "lineItem/UnblendedCost": "0.0111111111",
}


def moment(text: str) -> datetime:
    """A plain UTC timestamp, as the raw tables hold it."""
    return datetime.fromisoformat(text)


def charge(**values: str) -> Row:
    """An hour of usage, with some columns changed or added; `__` stands for `/`."""
    return CHARGE | {name.replace("__", "/"): value for name, value in values.items()}


def text_of(lines: Sequence[Row]) -> bytes:
    """The lines as CSV with the columns of the first."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, lines[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode()


def deliver_legacy(
    bucket: Path,
    *files: bytes,
    report: str = "hourly",
    period: str = "20261001-20261101",
    assembly: str = "assembly-1",
    overwrite: bool = False,
    written: datetime | None = None,
) -> Path:
    """Delivers CSV files as an assembly and makes it current; returns the manifest."""
    folder = bucket / "prefix" / report / period
    below = "" if overwrite else f"{assembly}/"
    (folder / below).mkdir(parents=True, exist_ok=True)
    keys = []
    for number, content in enumerate(files, start=1):
        name = f"{below}{report}-{number}.csv.gz"
        (folder / name).write_bytes(gzip.compress(content, mtime=0))
        keys.append(f"prefix/{report}/{period}/{name}")
    manifest = json.dumps(
        {
            "assemblyId": assembly,
            "account": "000111111111",
            "columns": [],
            "compression": "GZIP",
            "contentType": "text/csv",
            "reportName": report,
            "billingPeriod": {"start": f"{period[:8]}T000000.000Z", "end": "later"},
            "bucket": "bucket",
            "reportKeys": keys,
        }
    )
    for place in {folder, folder / below}:
        (place / f"{report}-Manifest.json").write_text(manifest)
    current = folder / f"{report}-Manifest.json"
    if written is not None:
        os.utime(current, (written.timestamp(), written.timestamp()))
    return current


def deliver_cur2(
    bucket: Path,
    *files: pa.Table,
    export: str = "export",
    period: str = "2026-10",
    execution: str = "execution-1",
) -> Path:
    """Delivers Parquet files as an execution of a data export; returns the manifest."""
    data = bucket / "prefix" / export / "data" / f"BILLING_PERIOD={period}" / execution
    metadata = bucket / "prefix" / export / "metadata" / f"BILLING_PERIOD={period}"
    data.mkdir(parents=True)
    metadata.mkdir(parents=True, exist_ok=True)
    keys = []
    for number, table in enumerate(files, start=1):
        name = f"{export}-{number:05}.snappy.parquet"
        pq.write_table(table, data / name)
        keys.append(f"s3://bucket/{(data / name).relative_to(bucket).as_posix()}")
    manifest = metadata / f"{export}-Manifest.json"
    manifest.write_text(json.dumps({"executionId": execution, "columns": [], "dataFiles": keys}))
    return manifest


def cur2_table(count: int = 1, **columns: pa.Array) -> pa.Table:
    """Hours of usage as CUR 2.0 writes them, with some columns changed or added."""
    hour = pa.timestamp("ms", tz="UTC")
    text_map = pa.map_(pa.string(), pa.string())
    tags = [("user_service", "api"), ("aws_eks_cluster_name", "blue"), ("user_team", "")]
    defaults = {
        "bill_payer_account_id": pa.array(["000111111111"] * count),
        "bill_billing_period_start_date": pa.array([moment("2026-10-01")] * count, hour),
        "line_item_usage_account_id": pa.array(["012345678901"] * count),
        "line_item_line_item_type": pa.array(["Usage"] * count),
        "line_item_usage_start_date": pa.array([moment("2026-10-03 05:00")] * count, hour),
        "line_item_unblended_cost": pa.array([293447.37059151] * count),
        "line_item_currency_code": pa.array(["USD"] * count),
        "resource_tags": pa.array([tags] * count, text_map),
        "product": pa.array([[]] * count, text_map),
        "discount": pa.array(
            [[("edp_discount", -0.1)]] * count, pa.map_(pa.string(), pa.float64())
        ),
    }
    return pa.table(defaults | columns)
