"""A machine that is too small, a clock that is elsewhere, and files that ask for too much."""

import multiprocessing
import os
import random
import resource
import shutil
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infraspend.loaders import aws_cur
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.files import MOST_ROWS, MOST_UNPACKED
from infraspend.loaders.warehouse import MEMORY
from tests.command_line.process import run
from tests.loaders.bills import charge, cur2_table, deliver_cur2, deliver_legacy, text_of
from tests.loaders.queries import content, rows

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["infraspend.loaders.aws_cur"])


def load(
    warehouse: Path, bucket: Path, says: Connection, limits: dict[int, int], memory: str
) -> None:
    """Loads in a process of its own, and says what came of it."""
    os.environ[MEMORY] = memory
    for limit, most in limits.items():
        resource.setrlimit(limit, (most, most))
    try:
        says.send(aws_cur.load(warehouse, str(bucket)).rows)
    except InfraspendError as error:
        says.send(str(error))


def outcome(
    warehouse: Path, bucket: Path, limits: dict[int, int] | None = None, memory: str = ""
) -> Any:
    """How many lines landed under limits of the process, or what the load said."""
    hears, says = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=load, args=(warehouse, bucket, says, limits or {}, memory))
    process.start()
    says.close()
    came = hears.recv()
    process.join()
    assert process.exitcode == 0
    return came


@pytest.fixture(scope="module")
def much(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A month that does not pack well, and one of a single line."""
    bucket = tmp_path_factory.mktemp("much")
    chance = random.Random(20261123)
    lines = [
        charge(lineItem__LineItemDescription=chance.randbytes(100).hex()) for _ in range(20_000)
    ]
    deliver_legacy(bucket, text_of(lines))
    deliver_legacy(
        bucket, text_of([charge()]), period="20261101-20261201", report="small", assembly="small"
    )
    return bucket


@pytest.fixture(scope="module")
def clean(
    much: Path, empty_warehouse: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Any]]:
    """What a run without limits leaves behind."""
    warehouse = tmp_path_factory.mktemp("clean") / "infraspend.duckdb"
    shutil.copy(empty_warehouse, warehouse)
    aws_cur.load(warehouse, str(much))
    return lasting(warehouse)


def lasting(warehouse: Path) -> dict[str, list[Any]]:
    found = content(warehouse, "raw_aws_cur")
    del found["rejects"]
    return found


@pytest.mark.thorough
def test_what_does_not_fit_on_the_disk_is_named_and_lands_once_it_does(
    warehouse: Path, much: Path, clean: dict[str, list[Any]]
) -> None:
    room = warehouse.stat().st_size + (1 << 20)

    said = outcome(warehouse, much, {resource.RLIMIT_FSIZE: room})

    assert said.startswith(
        "1 of 2 billing periods did not load (the others are in): hourly 2026-10"
    )
    assert "File too large" in said and "\n" not in said
    assert rows(warehouse, "select distinct _assembly_id from raw_aws_cur.line_items") == [
        ("small",)
    ]

    assert outcome(warehouse, much) == 20_000
    assert lasting(warehouse) == clean


@pytest.mark.thorough
def test_what_does_not_fit_into_memory_goes_to_disk_or_is_named(
    warehouse: Path, much: Path, clean: dict[str, list[Any]]
) -> None:
    said = outcome(warehouse, much, memory="24MB")
    assert "Out of Memory" in said and "hourly 2026-10" in said and "\n" not in said

    assert outcome(warehouse, much, memory="400MB") == 20_001
    assert lasting(warehouse) == clean


@pytest.mark.thorough
@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Kolkata"])
def test_the_clock_of_the_machine_changes_nothing(
    warehouse: Path, bucket: Path, tmp_path: Path, zone: str
) -> None:
    # The nights on which clocks are changed in America, as text and as timestamps.
    hours = [f"2026-03-08T{hour:02}:00:00Z" for hour in range(24)]
    lines = [
        charge(lineItem__UsageStartDate=hour, lineItem__UsageEndDate="", identity__TimeInterval="")
        for hour in hours
    ]
    deliver_legacy(bucket, text_of(lines), period="20260301-20260401", assembly="march")
    november = pa.array(range(1_793_491_200_000, 1_793_577_600_000, 3_600_000))
    starts = november.cast(pa.timestamp("ms", tz="UTC"))
    deliver_cur2(bucket, cur2_table(24, line_item_usage_start_date=starts), period="2026-11")
    elsewhere = tmp_path / "elsewhere.duckdb"
    shutil.copy(warehouse, elsewhere)
    aws_cur.load(warehouse, str(bucket))

    done = run(
        *("load", "aws-cur", "--from", bucket, "--warehouse", elsewhere), cwd=tmp_path, TZ=zone
    )

    assert done.returncode == 0, done.stderr
    assert content(elsewhere, "raw_aws_cur") == content(warehouse, "raw_aws_cur")
    assert rows(
        elsewhere,
        "select cast(min(line_item_usage_start_date) as varchar),"
        " count(distinct line_item_usage_start_date)"
        " from raw_aws_cur.line_items group by bill_billing_period_start_date, _assembly_id"
        " order by all",
    ) == [("2026-03-08 00:00:00", 24), ("2026-11-01 00:00:00", 24)]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("month", "following", "hours"),
    [("2027-02", "2027-03", 672), ("2028-02", "2028-03", 696), ("2026-12", "2027-01", 744)],
)
def test_a_month_has_the_hours_of_the_calendar(
    warehouse: Path, bucket: Path, month: str, following: str, hours: int
) -> None:
    begin, end = datetime.fromisoformat(f"{month}-01"), datetime.fromisoformat(f"{following}-01")
    hour = timedelta(hours=1)
    starts = [begin + number * hour for number in range(hours)]
    text = [
        charge(
            bill__BillingPeriodStartDate=f"{begin.isoformat()}.000Z",
            lineItem__UsageStartDate=f"{start.isoformat()}Z",
            lineItem__UsageEndDate=f"{(start + hour).isoformat()}Z",
            identity__TimeInterval=f"{start.isoformat()}Z/{(start + hour).isoformat()}Z",
        )
        for start in starts
    ]
    period = f"{begin:%Y%m%d}-{end:%Y%m%d}"
    deliver_legacy(bucket, text_of(text), period=period)
    zoned = pa.array(starts, pa.timestamp("ms", tz="UTC"))
    deliver_cur2(bucket, cur2_table(hours, line_item_usage_start_date=zoned), period=month)

    aws_cur.load(warehouse, str(bucket))

    assert (
        rows(
            warehouse,
            "select billing_period, count(*), count(distinct line_item_usage_start_date),"
            " min(line_item_usage_start_date), max(line_item_usage_start_date) + interval 1 hour"
            " from raw_aws_cur.line_items inner join raw_aws_cur.assemblies"
            " on _assembly_id = assembly_id group by _assembly_id, billing_period",
        )
        == [(month, hours, hours, begin, end)] * 2
    )


def many_rows(file: Path) -> None:
    """A few kilobytes with a million lines and more, all alike."""
    table = cur2_table(1).drop(["resource_tags", "product", "discount"])
    pq.write_table(pa.concat_tables([table] * (MOST_ROWS + 1)).combine_chunks(), file)


def much_text(file: Path) -> None:
    """Less than a megabyte that unpacks to hundreds."""
    texts = pa.array(["x" * (1 << 20)] * ((MOST_UNPACKED >> 20) + 1))
    table = cur2_table(len(texts), line_item_line_item_description=texts)
    pq.write_table(table, file, compression="zstd", use_dictionary=False)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("spoil", "said"),
    [(many_rows, "no report has more rows than bytes"), (much_text, "unpacks to more than")],
)
def test_parquet_that_unpacks_to_very_much_is_refused(
    warehouse: Path, bucket: Path, spoil: Any, said: str
) -> None:
    deliver_cur2(bucket, cur2_table())
    (file,) = bucket.rglob("*.parquet")
    spoil(file)

    with pytest.raises(InfraspendError, match=rf"export-00001.snappy.parquet has .* {said}"):
        aws_cur.load(warehouse, str(bucket))


@pytest.mark.thorough
def test_parquet_with_wrong_bits_costs_no_more_than_itself(warehouse: Path, bucket: Path) -> None:
    chance = random.Random(20261123)
    deliver_legacy(bucket / "good", text_of([charge()]), report="good", assembly="good")
    for number in range(12):
        spoiled = bucket / str(number)
        deliver_cur2(spoiled, cur2_table(500), export=f"export{number}", execution=str(number))
        (file,) = spoiled.rglob("*.parquet")
        data = bytearray(file.read_bytes())
        # What says how long things are stands at the ends: page headers and the footer.
        where = chance.choice([range(4, 60), range(len(data) - 900, len(data) - 8)])
        for position in chance.sample(where, 3):
            data[position] = 255
        file.write_bytes(data)

    said = outcome(warehouse, bucket, {resource.RLIMIT_AS: 8 << 30})

    landed = rows(warehouse, "select report from raw_aws_cur.assemblies")
    refused = rows(warehouse, "select distinct report from raw_aws_cur.rejects")
    assert ("good",) in landed
    assert refused and sorted(landed + refused) == sorted(
        [("good",), *((f"export{number}",) for number in range(12))]
    )
    assert all(f"{report} 2026-10: " in said for (report,) in refused)
