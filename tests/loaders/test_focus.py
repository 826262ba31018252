"""Landing bills in FOCUS: exactly once, restated whole, and refused by statement."""

import json
import multiprocessing
import os
import signal
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from infraspend.loaders import aws_cur, focus
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.warehouse import KILL_AT, LakeUrl
from tests.command_line.process import run
from tests.loaders import bills as cur_bills
from tests.loaders.focus_bills import Charge, charge, write
from tests.loaders.queries import content, copied, rows
from tests.loaders.s3_server import BUCKET, FaultyS3

NOVEMBER = datetime(2026, 11, 2)
LATER = datetime(2026, 11, 3)
DOUBLE = dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost"), "double")

SUMS = """
    select
        statements.provider, statements.billing_account_id, statements.billing_period,
        sum(charges.effective_cost), count(*)
    from raw_focus.charges
    inner join raw_focus.statements on _statement_id = statement_id
    group by all
    order by all
"""


def load(warehouse: Path, bucket: Path, **options: Any) -> tuple[int, int, int]:
    result = focus.load(warehouse, str(bucket), **options)
    return result.landed, result.skipped, result.rows


def november(effective: str, **columns: str | None) -> Charge:
    return charge(
        effective,
        BillingPeriodStart="2026-11-01T00:00:00Z",
        BillingPeriodEnd="2026-12-01T00:00:00Z",
        ChargePeriodStart="2026-11-01T00:00:00Z",
        ChargePeriodEnd="2026-11-01T01:00:00Z",
        **columns,
    )


def test_every_version_and_format_lands_the_same(warehouse: Path, bucket: Path) -> None:
    kinds = DOUBLE | {"Tags": "map(varchar, varchar)"}
    deliveries = [
        (version, name)
        for version in ("1.0", "1.2", "1.4")
        for name in ("bill.csv", "bill.csv.gz", "bill.parquet")
    ]
    for version, name in deliveries:
        account = f"{version} {name}"
        lines = [
            charge("0.1", BillingAccountId=account),
            charge("1.5E-7", BillingAccountId=account, Tags=None, x_Meter="m-1"),
        ]
        write(bucket / account / name, lines, version=version, kinds=kinds)

    assert load(warehouse, bucket) == (9, 0, 18)
    assert rows(
        warehouse,
        "select service_provider_name, host_provider_name, effective_cost, charge_period_start,"
        " tags::varchar, other_columns::varchar, count(*) from raw_focus.charges"
        " group by all order by effective_cost",
    ) == [
        (
            *("Microsoft", "Microsoft", Decimal("0.0000001500"), datetime(2026, 10, 1)),
            *(None, '{"x_Meter":"m-1"}', 9),
        ),
        (
            *("Microsoft", "Microsoft", Decimal("0.1000000000"), datetime(2026, 10, 1)),
            *('{"team":"api"}', None, 9),
        ),
    ]
    assert rows(
        warehouse,
        "select provider, billed_cost, effective_cost, count(*) from raw_focus.control_totals"
        " group by all",
    ) == [("Microsoft", Decimal("0.10000015"), Decimal("0.10000015"), 9)]


GOOGLE = 'struct("Key" varchar, "Value" varchar, "x_Inherited" boolean, "x_Namespace" varchar)[]'


@pytest.mark.parametrize("kind", [GOOGLE, "struct(value varchar, key varchar)[]", "varchar"])
def test_tags_may_be_a_list_of_keys_and_values(warehouse: Path, bucket: Path, kind: str) -> None:
    def tag(key: str | None, value: str) -> dict[str, str | bool | None]:
        if "key" in kind:
            return {"key": key, "value": value}
        return {"Key": key, "Value": value, "x_Inherited": False, "x_Namespace": None}

    tags = {
        "two": [tag("team", "api"), tag("env", "live")],
        "inherited": [tag("team", "api"), tag("team", "of the project")],
        "none": [],
    }
    lines = [charge("1", SkuId=name, Tags=json.dumps(tags[name])) for name in tags]
    write(bucket / "good" / "bill.parquet", lines, kinds={"Tags": kind})
    write(bucket / "csv" / "bill.csv", [{**line, "BillingAccountId": "csv"} for line in lines])
    nameless = json.dumps([tag(None, "api")])
    write(
        bucket / "bad" / "bill.parquet",
        [charge("1", BillingAccountId="bad", Tags=nameless)],
        kinds={"Tags": kind},
    )

    with pytest.raises(InfraspendError, match="which is no map"):
        load(warehouse, bucket)

    assert rows(
        warehouse,
        "select sku_id, tags::varchar, count(*) from raw_focus.charges group by all order by all",
    ) == [
        ("inherited", '{"team":"api"}', 2),
        ("none", None, 2),
        ("two", '{"env":"live","team":"api"}', 2),
    ]


def test_what_landed_is_left_alone_and_a_copy_counts_once(warehouse: Path, bucket: Path) -> None:
    write(bucket / "2026-10" / "bill.csv", [charge("1.25")], written=NOVEMBER)
    assert load(warehouse, bucket) == (1, 0, 1)
    before = content(warehouse, "raw_focus")

    assert load(warehouse, bucket) == (0, 1, 0)
    assert content(warehouse, "raw_focus") == before

    write(bucket / "again" / "bill.csv", [charge("1.25")], written=LATER)
    write(bucket / "2026-10" / "copy.csv", [charge("1.25")], written=NOVEMBER)
    result = focus.load(warehouse, str(bucket))
    assert (result.landed, result.skipped, result.rows) == (0, 2, 0)
    assert [note for note in result.notes if "is a copy of" in note]
    assert rows(warehouse, SUMS) == [("Microsoft", "/billing/acme", "2026-10", Decimal("1.25"), 1)]


def test_only_the_statement_that_changed_lands_again(warehouse: Path, bucket: Path) -> None:
    write(bucket / "acme" / "10.csv", [charge("1"), charge("2")], written=NOVEMBER)
    write(bucket / "acme" / "11.csv", [november("4")], written=NOVEMBER)
    assert load(warehouse, bucket) == (2, 0, 3)

    write(bucket / "acme" / "11.csv", [november("8"), november("16")], written=LATER)
    assert load(warehouse, bucket, keep=0) == (1, 1, 2)
    assert rows(warehouse, SUMS) == [
        ("Microsoft", "/billing/acme", "2026-10", Decimal(3), 2),
        ("Microsoft", "/billing/acme", "2026-11", Decimal(24), 2),
    ]


def test_a_bill_may_be_corrected_back(warehouse: Path, bucket: Path) -> None:
    file = bucket / "bill.csv"
    for day, cost in ((2, "1"), (3, "2"), (4, "1")):
        write(file, [charge(cost)], written=datetime(2026, 11, day))
        assert load(warehouse, bucket, keep=0) == (1, 0, 1)
        assert rows(warehouse, "select effective_cost from raw_focus.charges") == [(Decimal(cost),)]


def test_an_older_delivery_changes_nothing(warehouse: Path, bucket: Path) -> None:
    write(bucket / "new" / "bill.csv", [charge("2")], written=LATER)
    load(warehouse, bucket)
    write(bucket / "old" / "bill.csv", [charge("1")], written=NOVEMBER)
    assert load(warehouse, bucket) == (0, 2, 0)


def test_a_bill_of_several_providers_is_replaced_whole(warehouse: Path, bucket: Path) -> None:
    """What a marketplace no longer sells is not left of the bill before."""
    sold = charge("7", ServiceProviderName="MongoDB")
    write(bucket / "1" / "bill.csv", [charge("1"), charge("1"), sold], written=NOVEMBER)
    load(warehouse, bucket)
    write(bucket / "2" / "bill.csv", [charge("2")], written=LATER)
    assert load(warehouse, bucket, keep=0) == (1, 1, 1)
    assert rows(warehouse, SUMS) == [("Microsoft", "/billing/acme", "2026-10", Decimal(2), 1)]


def test_a_new_name_of_the_provider_is_the_same_bill(warehouse: Path, bucket: Path) -> None:
    write(bucket / "bill.csv", [charge("1")], version="1.2", written=NOVEMBER)
    load(warehouse, bucket)
    renamed = charge("2", ServiceProviderName="Microsoft Azure")
    write(bucket / "bill.csv", [renamed], version="1.4", written=LATER)
    load(warehouse, bucket, keep=0)
    assert rows(warehouse, SUMS) == [("Microsoft", "/billing/acme", "2026-10", Decimal(2), 1)]


def test_sub_accounts_that_are_gone_are_named(warehouse: Path, bucket: Path) -> None:
    write(bucket / "shop" / "bill.csv", [charge("1")], written=NOVEMBER)
    write(bucket / "ads" / "bill.csv", [charge("2", SubAccountId="ads")], written=LATER)
    (note,) = focus.load(warehouse, str(bucket)).notes
    assert "sub account /subscriptions/shop was on this bill before" in note


BAD = {
    "EffectiveCost is empty": charge("1", EffectiveCost=None),
    "BilledCost is 'x', which is no number": charge("1", BilledCost="x"),
    "ChargeCategory is 'Fun', which is none of Usage, Purchase": charge("1", ChargeCategory="Fun"),
    "ConsumedQuantity is '-2': usage is negative": charge("1", ConsumedQuantity="-2"),
    "BillingCurrency is 'EUR', and": charge("1", BillingCurrency="EUR"),
    "ChargePeriodStart is '2026-11-01': usage after the end of its billing period": charge(
        "1", ChargePeriodStart="2026-11-01", ChargePeriodEnd="2026-11-02"
    ),
    "BillingPeriodEnd is '2026-09-30', which is not after": charge(
        "1", BillingPeriodEnd="2026-09-30"
    ),
    "CommitmentDiscountStatus is 'Lost', which is none of": charge(
        "1", CommitmentDiscountStatus="Lost"
    ),
    "Tags is 'team', which is no map": charge("1", Tags="team"),
    "ServiceProviderName is empty": charge("1", ServiceProviderName=None),
}


def test_a_bad_charge_refuses_its_statement_and_no_other(warehouse: Path, bucket: Path) -> None:
    for name in ("bill.csv", "bill.parquet"):
        lines = [charge("3", BillingAccountId=f"good {name}"), november("5", BillingAccountId=name)]
        for number, line in enumerate(BAD.values()):
            lines += [dict(line) | {"BillingAccountId": f"{name} {number}"}]
            lines += [charge("1", BillingAccountId=f"{name} {number}")]
        write(bucket / name / name, [dict(line) for line in lines], written=NOVEMBER)

    with pytest.raises(InfraspendError, match="20 did not load") as failure:
        load(warehouse, bucket)
    assert rows(warehouse, SUMS) == [
        ("Microsoft", "bill.csv", "2026-11", Decimal(5), 1),
        ("Microsoft", "bill.parquet", "2026-11", Decimal(5), 1),
        ("Microsoft", "good bill.csv", "2026-10", Decimal(3), 1),
        ("Microsoft", "good bill.parquet", "2026-10", Decimal(3), 1),
    ]
    rejects = rows(
        warehouse,
        "select file, row_number, reason, billing_account_id, billing_period"
        " from raw_focus.rejects order by all",
    )
    assert len(rejects) == 20
    for name in ("bill.csv", "bill.parquet"):
        for number, reason in enumerate(BAD):
            where, account = str(bucket / name / name), f"{name} {number}"
            row = 3 + 2 * number
            assert f"{account} 2026-10: {where}, row {row}: {reason}" in str(failure.value)
            (found,) = [reject for reject in rejects if reject[3] == account]
            assert (*found[:2], found[4]) == (where, row, "2026-10")
            assert found[2].startswith(f"{account} 2026-10: {reason}")

    # It says so every time, until it is mended.
    with pytest.raises(InfraspendError, match="20 did not load"):
        load(warehouse, bucket)
    assert len(rows(warehouse, "from raw_focus.rejects")) == 20


def test_a_refused_restatement_leaves_what_was_there(warehouse: Path, bucket: Path) -> None:
    write(bucket / "bill.csv", [charge("1")], written=NOVEMBER)
    load(warehouse, bucket)
    write(bucket / "bill.csv", [charge("2"), charge("1", EffectiveCost=None)], written=LATER)
    with pytest.raises(InfraspendError):
        load(warehouse, bucket)
    assert rows(warehouse, SUMS) == [("Microsoft", "/billing/acme", "2026-10", Decimal(1), 1)]


def test_a_charge_of_an_unknown_bill_may_be_of_any(warehouse: Path, bucket: Path) -> None:
    write(bucket / "acme" / "bill.csv", [charge("1"), charge("2", BillingAccountId=None)])
    write(bucket / "other" / "bill.csv", [charge("3", BillingAccountId="/billing/other")])
    with pytest.raises(InfraspendError, match="row 2: BillingAccountId is empty"):
        load(warehouse, bucket)
    assert [row[1] for row in rows(warehouse, SUMS)] == ["/billing/other"]


def test_a_file_that_is_no_focus_is_named_and_stops_nothing(warehouse: Path, bucket: Path) -> None:
    (bucket / "bad").mkdir()
    (bucket / "bad" / "bill.csv").write_text("a,b\n1,2\n")
    (bucket / "torn").mkdir()
    (bucket / "torn" / "bill.csv.gz").write_bytes(b"\x1f\x8b\x08\x00")
    write(bucket / "good" / "bill.csv", [charge("1")])
    with pytest.raises(InfraspendError, match="2 did not load") as failure:
        load(warehouse, bucket)
    assert "bad/bill.csv has no column BilledCost, EffectiveCost" in str(failure.value)
    assert "torn/bill.csv.gz is damaged" in str(failure.value)
    assert len(rows(warehouse, SUMS)) == 1


def test_a_warehouse_holds_one_currency_whichever_bill_came_first(
    warehouse: Path, bucket: Path
) -> None:
    write(bucket / "euro" / "bill.csv", [charge("1", BillingCurrency="EUR")])
    load(warehouse, bucket)
    cur_bills.deliver_legacy(bucket / "aws", cur_bills.text_of([cur_bills.charge()]))
    with pytest.raises(InfraspendError, match="'USD', and what has landed is in EUR"):
        aws_cur.load(warehouse, str(bucket / "aws"))
    write(bucket / "dollar" / "bill.csv", [charge("1", BillingAccountId="other")])
    with pytest.raises(
        InfraspendError, match="row 1: BillingCurrency is 'USD', and other bills are in EUR"
    ):
        load(warehouse, bucket)


def deliver_aws(bucket: Path) -> Path:
    """Delivers two runs of a data export, whose manifest names the second one's two files.

    Returns:
        The folder of the second run, whose second file is not there yet.
    """
    data = bucket / "focus" / "data" / "BILLING_PERIOD=2026-10"
    write(data / "run-1" / "focus-1.csv.gz", [charge("1")], written=LATER)
    write(data / "run-2" / "focus-1.csv.gz", [charge("2")], written=NOVEMBER)
    write(data / "run-2" / "left-behind.csv.gz", [charge("4")])
    manifest = bucket / "focus/metadata/BILLING_PERIOD=2026-10/focus-Manifest.json"
    manifest.parent.mkdir(parents=True)
    key = "s3://bucket/focus/data/BILLING_PERIOD=2026-10/run-2/focus-{}.csv.gz"
    keys = [key.format(number) for number in (1, 2)]
    manifest.write_text(json.dumps({"executionId": "run-2", "dataFiles": keys}))
    return data / "run-2"


def test_aws_manifests_say_which_files_are_current(warehouse: Path, bucket: Path) -> None:
    folder = deliver_aws(bucket)
    assert focus.load(warehouse, str(bucket)).pending == 1

    write(folder / "focus-2.csv.gz", [charge("8")])
    assert load(warehouse, bucket) == (1, 0, 2)
    assert [row[3] for row in rows(warehouse, SUMS)] == [Decimal(10)]

    write(folder / "focus-2.csv.gz", [november("8")])
    with pytest.raises(InfraspendError, match="and its folder is of 2026-10"):
        load(warehouse, bucket)


@pytest.mark.thorough
def test_a_bucket_is_read_as_a_directory_is(warehouse: Path, bucket: Path, s3: FaultyS3) -> None:
    write(deliver_aws(bucket) / "focus-2.csv.gz", [charge("8")])
    write(bucket / "acme" / "bill.parquet", [charge("16", BillingAccountId="other")])
    s3.sync(bucket)

    result = focus.load(warehouse, f"s3://{BUCKET}")
    assert (result.landed, result.rows) == (2, 3)
    assert [row[3] for row in rows(warehouse, SUMS)] == [Decimal(10), Decimal(16)]
    s3.downloads()
    assert focus.load(warehouse, f"s3://{BUCKET}").skipped == 2
    # What has landed is not read again, but the manifest.
    (read,) = s3.downloads()
    assert read.endswith("-Manifest.json")


def test_a_focus_export_is_shown_its_own_loader(warehouse: Path, bucket: Path) -> None:
    cur_bills.deliver_legacy(bucket, b"BilledCost,ChargePeriodStart,ChargePeriodEnd\n1,2,3\n")
    with pytest.raises(InfraspendError, match="load it with infraspend load focus"):
        aws_cur.load(warehouse, str(bucket))


def _killed(warehouse: Path, bucket: Path, stage: str) -> None:
    os.environ[KILL_AT] = stage
    focus.load(warehouse, str(bucket))


@pytest.mark.parametrize(
    "stage",
    [
        "charges_landed",
        pytest.param("files_verified", marks=pytest.mark.thorough),
        pytest.param("charges_counted", marks=pytest.mark.thorough),
        pytest.param("statements_recorded", marks=pytest.mark.thorough),
    ],
)
def test_a_run_after_a_kill_ends_like_a_clean_one(
    warehouse: Path, bucket: Path, tmp_path: Path, stage: str
) -> None:
    write(bucket / "1" / "bill.csv", [charge("1"), november("2")], written=NOVEMBER)
    write(bucket / "2" / "bill.csv", [charge("4")], written=LATER)
    clean = tmp_path / "clean.duckdb"
    focus.load(clean, str(bucket))

    process = multiprocessing.get_context("spawn").Process(
        target=_killed, args=(warehouse, bucket, stage)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    load(warehouse, bucket)
    unread = {"folders"}
    ours, theirs = content(warehouse, "raw_focus"), content(clean, "raw_focus")
    assert {name: ours[name] for name in ours.keys() - unread} == {
        name: theirs[name] for name in theirs.keys() - unread
    }


@pytest.mark.thorough
def test_a_lake_holds_the_same(warehouse: Path, bucket: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for day, cost in ((2, "1"), (3, "2"), (4, "3")):
        write(bucket / "bill.csv", [charge(cost), november("4")], written=datetime(2026, 11, day))
        load(warehouse, bucket)
        focus.load(LakeUrl(str(lake)), str(bucket))
    assert focus.load(LakeUrl(str(lake)), str(bucket)).landed == 0
    assert rows(copied(lake, tmp_path / "copy.duckdb"), SUMS) == rows(warehouse, SUMS)


@pytest.mark.thorough
def test_the_command_line_says_what_landed(tmp_path: Path, bucket: Path) -> None:
    write(bucket / "bill.csv", [charge("1"), november("2")])
    said = run("load", "focus", "--from", bucket, "--warehouse", "w.duckdb", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    assert "load focus: 2 statements landed, 0 there already" in said.stdout
    moment = datetime.now(UTC)
    assert rows(tmp_path / "w.duckdb", "select max(landed_at) from raw_focus.statements") <= [
        (moment.replace(tzinfo=None),)
    ]
