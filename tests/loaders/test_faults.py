"""Faults in any combination: what is whole lands, what is not is named, and the rest comes later.

A clean bucket, some faults of deliveries, some of the network. Then the faults are taken away.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infraspend.loaders import aws_cur
from infraspend.loaders.errors import InfraspendError
from tests.loaders.bills import charge, cur2_table, deliver_cur2, deliver_legacy, text_of
from tests.loaders.queries import content, rows
from tests.loaders.s3_server import BUCKET, HARMLESS, FaultyS3

pytestmark = pytest.mark.thorough

URL = f"s3://{BUCKET}"
MONTHS = {"2026-08": 2, "2026-09": 3, "2026-10": 4}
"""Billing period -> how many lines it has."""

_EXAMPLES = 8


def deliver(bucket: Path) -> None:
    """Two months of a legacy report and one of a data export."""
    for month, lines in MONTHS.items():
        if month == "2026-10":
            deliver_cur2(bucket, cur2_table(lines), period=month)
            continue
        start = month.replace("-", "") + "01"
        end = f"2026{int(month[-2:]) + 1:02}01"
        content_of_month = text_of([charge()] * (lines - 1))
        deliver_legacy(
            bucket,
            content_of_month,
            text_of([charge()]),
            period=f"{start}-{end}",
            assembly=f"assembly-{month}",
        )


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-6] ^= 1
    file.write_bytes(data)


def remove(file: Path) -> None:
    file.unlink()


def swap_for_text(file: Path) -> None:
    file.write_bytes(b"these are notes")


FAULTS = [truncate, flip_a_bit, remove, swap_for_text]

faults = st.dictionaries(st.sampled_from(sorted(MONTHS)), st.sampled_from(FAULTS))
network = st.lists(
    st.tuples(
        st.sampled_from(["-1.csv.gz", "-2.csv.gz", ".parquet", "-Manifest.json"]),
        st.sampled_from(HARMLESS[1:4]),
    ),
    max_size=2,
)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bucket = tmp_path_factory.mktemp("healthy")
    deliver(bucket)
    return bucket


@pytest.fixture(scope="module")
def clean(
    healthy: Path, empty_warehouse: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What the warehouse holds after a run without any fault."""
    warehouse = tmp_path_factory.mktemp("clean") / "infraspend.duckdb"
    shutil.copy(empty_warehouse, warehouse)
    aws_cur.load(warehouse, str(healthy))
    return lasting(warehouse)


def lasting(warehouse: Path) -> dict[str, Any]:
    """What does not depend on where and when a month was read, or on what was refused before."""
    found = content(warehouse, "raw_aws_cur")
    del found["rejects"], found["assemblies"]
    found["assemblies"] = rows(
        warehouse,
        "select assembly_id, report, billing_period, format, files, bytes, sha256, line_count,"
        " unblended_cost, grain_hours from raw_aws_cur.assemblies order by all",
    )
    return found


def spoil(bucket: Path, spoiled: dict[str, Callable[[Path], None]]) -> None:
    for month, fault in spoiled.items():
        folder = "BILLING_PERIOD=2026-10" if month == "2026-10" else month.replace("-", "") + "01-*"
        files = [file for file in bucket.rglob(f"{folder}/*/*") if not file.name.endswith(".json")]
        fault(max(files))


@settings(
    max_examples=_EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(spoiled=faults, on_the_way=network)
def test_what_is_whole_lands_and_the_rest_lands_once_it_is(
    healthy: Path,
    empty_warehouse: Path,
    clean: dict[str, Any],
    s3: FaultyS3,
    tmp_path: Path,
    spoiled: dict[str, Callable[[Path], None]],
    on_the_way: list[Any],
) -> None:
    shutil.rmtree(tmp_path)
    bucket = Path(shutil.copytree(healthy, tmp_path / "bucket"))
    warehouse = tmp_path / "infraspend.duckdb"
    shutil.copy(empty_warehouse, warehouse)
    spoil(bucket, spoiled)
    s3.empty()
    s3.sync(bucket)
    s3.faults = list(on_the_way)

    damaged = {month for month, fault in spoiled.items() if fault is not remove}
    if damaged:
        with pytest.raises(InfraspendError) as raised:
            aws_cur.load(warehouse, URL)
        # Each is named, with its file, in one line.
        assert all(f" {month}: s3://{BUCKET}/" in str(raised.value) for month in damaged)
        assert "\n" not in str(raised.value)
    else:
        aws_cur.load(warehouse, URL)

    # The others are in whole, and what is not has a reason.
    landed = dict(
        rows(
            warehouse,
            "select billing_period, count(*) from raw_aws_cur.line_items inner join"
            " raw_aws_cur.assemblies on _assembly_id = assembly_id group by all",
        )
    )
    assert landed == {month: MONTHS[month] for month in MONTHS.keys() - spoiled.keys()}
    refused = rows(warehouse, "select distinct billing_period from raw_aws_cur.rejects")
    assert {month for (month,) in refused} == spoiled.keys()

    s3.empty()
    s3.sync(healthy)
    aws_cur.load(warehouse, URL)

    assert lasting(warehouse) == clean
    assert aws_cur.load(warehouse, URL).skipped == len(MONTHS)
