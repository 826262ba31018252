"""Landing the bill: the digits, the names, and what happens when something is wrong."""

import gzip
import io
import itertools
import json
import os
import random
import shutil
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infraspend.loaders import aws_cur
from infraspend.loaders.aws_cur.canonical import Value
from infraspend.loaders.aws_cur.columns import destinations, landed_name
from infraspend.loaders.cur_columns import CUR_COLUMNS
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.files import MOST_UNPACKED
from infraspend.loaders.tables import AMOUNT
from tests.loaders.bills import (
    FIXTURE,
    charge,
    cur2_table,
    deliver_cur2,
    deliver_legacy,
    moment,
    text_of,
)
from tests.loaders.queries import content, rows

NOVEMBER = "20231101-20231201"
REASONS = "select reason from raw_aws_cur.rejects"


def load(warehouse: Path, bucket: Path, **filters: Any) -> tuple[int, int, int]:
    result = aws_cur.load(warehouse, str(bucket), **filters)
    return result.landed, result.skipped, result.rows


def test_a_real_report_lands_to_the_last_digit(warehouse: Path, bucket: Path) -> None:
    deliver_legacy(bucket, FIXTURE.read_bytes(), report="daily", period=NOVEMBER)

    assert load(warehouse, bucket) == (1, 0, 11)

    # The sum was added up with `decimal`, the others read off the file.
    assert rows(
        warehouse,
        "select count(*), sum(line_item_unblended_cost), min(bill_payer_account_id)"
        " from raw_aws_cur.line_items",
    ) == [(11, Decimal("0.1764100327"), "123412340534")]
    assert rows(
        warehouse,
        "select report, billing_period, format, line_count, unblended_cost, grain_hours, files"
        " from raw_aws_cur.assemblies",
    ) == [("daily", "2023-11", "legacy_csv_gz", 11, Decimal("0.1764100327"), 24, 1)]
    assert rows(
        warehouse,
        "select line_item_usage_amount, line_item_usage_start_date from raw_aws_cur.line_items"
        " where line_item_unblended_cost = 0.0000000181",
    ) == [(Decimal("0.0000009052"), moment("2023-11-04 23:00"))]
    assert rows(
        warehouse,
        "select distinct product ->> 'region', product_region_code, resource_tags,"
        " savings_plan_end_time from raw_aws_cur.line_items"
        " where line_item_unblended_cost = 0.16641",
    ) == [("us-west-2", "us-west-2", None, None)]


def test_line_items_have_every_column_of_cur_2(warehouse: Path) -> None:
    columns = rows(
        warehouse,
        "select column_name from information_schema.columns"
        " where table_schema = 'raw_aws_cur' and table_name = 'line_items'",
    )

    assert {name for (name,) in columns} == {"_assembly_id", "_dlt_load_id", *CUR_COLUMNS}


@pytest.mark.thorough
def test_what_identifies_and_describes_stays_as_it_was_written(
    warehouse: Path, bucket: Path
) -> None:
    line = charge(
        lineItem__LineItemDescription='two\nlines, "quoted"',
        resourceTags__user_Service="",
        product__operatingSystem="Linux",
        product__vcpu="4",
        product__instanceType="m5.xlarge",
        discount__EdpDiscount="-0.10",
        costCategory__Division="Cafe\u0301",
    )
    deliver_legacy(bucket, text_of([line]))

    load(warehouse, bucket)

    assert rows(
        warehouse,
        "select line_item_usage_account_id, line_item_line_item_description, resource_tags,"
        " product, product_instance_type, discount, cost_category from raw_aws_cur.line_items",
    ) == [
        (
            "012345678901",
            'two\nlines, "quoted"',
            None,
            '{"operating_system":"Linux","vcpu":"4"}',
            "m5.xlarge",
            '{"edp_discount":"-0.10"}',
            '{"division":"Caf\u00e9"}',
        )
    ]


@pytest.mark.thorough
def test_tag_keys_that_become_one_name_stay_apart(warehouse: Path, bucket: Path) -> None:
    line = dict(charge()) | {
        "resourceTags/user:team": "lower",
        "resourceTags/user:Team": "upper",
        "resourceTags/aws:eks:cluster-name": 'it\'s "blue"',
    }
    deliver_legacy(bucket, text_of([line]))

    load(warehouse, bucket)

    ((tags,),) = rows(warehouse, "select resource_tags from raw_aws_cur.line_items")
    assert tags == (
        '{"aws_eks_cluster_name":"it\'s \\"blue\\"","user_team":"upper","user_team_2":"lower"}'
    )


def test_a_suffix_never_takes_the_name_of_another_key() -> None:
    found = destinations(
        ["resourceTags/user:team_2", "resourceTags/user:team", "resourceTags/user:Team"]
    )

    assert {header: place and place.key for header, place in found.items()} == {
        "resourceTags/user:Team": "user_team",
        "resourceTags/user:team": "user_team_3",
        "resourceTags/user:team_2": "user_team_2",
    }


@pytest.mark.parametrize(
    ("delivered", "landed"),
    [
        ("lineItem/UsageStartDate", "line_item_usage_start_date"),
        ("reservation/ReservationARN", "reservation_reservation_a_r_n"),
        ("savingsPlan/SavingsPlanEffectiveCost", "savings_plan_savings_plan_effective_cost"),
        ("product/instanceTypeFamily", "product_instance_type_family"),
        ("resourceTags/aws:autoscaling:groupName", "resource_tags_aws_autoscaling_group_name"),
    ],
)
def test_names_follow_aws_own_rule(delivered: str, landed: str) -> None:
    assert landed_name(delivered) == landed


@pytest.mark.thorough
def test_files_of_one_assembly_may_differ_in_their_columns(warehouse: Path, bucket: Path) -> None:
    tagged = dict(charge()) | {"resourceTags/user:Service": "api"}
    deliver_legacy(bucket, text_of([charge()]), text_of([tagged, tagged]))

    assert load(warehouse, bucket) == (1, 0, 3)
    assert rows(
        warehouse,
        "select resource_tags, count(*) from raw_aws_cur.line_items group by 1 order by 2",
    ) == [(None, 1), ('{"user_service":"api"}', 2)]


def test_overwrite_mode_has_no_assembly_folder(warehouse: Path, bucket: Path) -> None:
    deliver_legacy(bucket, text_of([charge()]), overwrite=True)

    assert load(warehouse, bucket) == (1, 0, 1)


@pytest.mark.thorough
def test_control_totals_are_those_of_the_delivered_text(warehouse: Path, bucket: Path) -> None:
    lines = [
        charge(lineItem__UnblendedCost="1.123456789012", lineItem__NetUnblendedCost="1.1"),
        charge(lineItem__UnblendedCost="2E-12", lineItem__NetUnblendedCost=""),
        charge(
            lineItem__LineItemType="EdpDiscount",
            lineItem__UnblendedCost="-0.5",
            lineItem__NetUnblendedCost="0",
        ),
    ]
    deliver_legacy(bucket, text_of(lines))

    load(warehouse, bucket)

    assert rows(
        warehouse,
        "select payer_account_id, currency_code, line_count, unblended_cost, net_unblended_cost,"
        " unblended_cost_without_net, lines_with_net, landed_unblended_cost,"
        " landed_unblended_cost_without_net from raw_aws_cur.control_totals",
    ) == [
        (
            "000111111111",
            "USD",
            3,
            Decimal("0.623456789014"),
            Decimal("1.1"),
            Decimal("0.000000000002"),
            1,
            # With the digits that a landed amount keeps: 1.1234567890 + 0 - 0.5.
            Decimal("0.623456789"),
            Decimal(0),
        )
    ]
    assert rows(warehouse, "select grain_hours from raw_aws_cur.assemblies") == [(1,)]


@pytest.mark.thorough
def test_cur_2_parquet_lands_in_the_same_shape(warehouse: Path, bucket: Path) -> None:
    with_net = cur2_table(2, line_item_net_unblended_cost=pa.array([0.1, None]))
    deliver_cur2(bucket, cur2_table(), with_net)

    assert load(warehouse, bucket) == (1, 0, 3)
    assert rows(
        warehouse,
        "select distinct line_item_unblended_cost, line_item_usage_account_id,"
        " line_item_usage_start_date, resource_tags, product, discount"
        " from raw_aws_cur.line_items",
    ) == [
        (
            # As a double it would be 293447.3705915101.
            Decimal("293447.37059151"),
            "012345678901",
            moment("2026-10-03 05:00"),
            '{"aws_eks_cluster_name":"blue","user_service":"api"}',
            None,
            '{"edp_discount":"-0.1"}',
        )
    ]
    assert rows(
        warehouse, "select assembly_id, format, unblended_cost from raw_aws_cur.assemblies"
    ) == [("execution-1/2026-10", "cur2_parquet", Decimal("880342.11177453"))]


def test_every_double_lands_with_the_digits_that_it_prints(tmp_path: Path) -> None:
    chance = random.Random(20261123)
    costs = [-0.5e-10, 0.5e-10, 1.5e-10, 4.9999999995e-11, 99999.99999999995, 293447.37059151, 1e9]
    for _ in range(20_000):
        size = 10.0 ** chance.randint(-9, 6)
        cost = chance.uniform(-size, size)
        # As AWS prints them; with the noise of arithmetic; half-way between two amounts.
        half = Decimal(cost).quantize(Decimal("1e-10")) + Decimal("0.5e-10")
        costs += [round(cost, 10), cost, float(half)]
    file = tmp_path / "costs.parquet"
    table = {"double": pa.array(costs), "float": pa.array(costs, pa.float32())}
    pq.write_table(pa.table(table), file)

    landed = [
        f"{Value(name, name.upper()).landed(AMOUNT)}, cast({name} as varchar)" for name in table
    ]
    found = duckdb.sql(f"select {', '.join(landed)} from read_parquet('{file}')").fetchall()

    half_up = Context(prec=40, rounding=ROUND_HALF_UP)
    for double, double_text, single, single_text in found:
        for amount, text in ((double, double_text), (single, single_text)):
            assert amount == Decimal(text).quantize(Decimal("1e-10"), context=half_up), text


@pytest.mark.thorough
def test_one_execution_may_deliver_two_billing_periods(warehouse: Path, bucket: Path) -> None:
    deliver_cur2(bucket, cur2_table(), period="2026-09")
    deliver_cur2(bucket, cur2_table(), period="2026-10")

    assert load(warehouse, bucket) == (2, 0, 2)


@pytest.mark.thorough
def test_a_second_run_does_nothing(warehouse: Path, bucket: Path) -> None:
    deliver_legacy(bucket, text_of([charge()]))
    load(warehouse, bucket)
    before = content(warehouse, "raw_aws_cur")
    for file in bucket.rglob("*.csv.gz"):
        file.unlink()

    assert load(warehouse, bucket) == (0, 1, 0)
    assert content(warehouse, "raw_aws_cur") == before


def test_a_restatement_adds_an_assembly_and_pointing_back_changes_nothing(
    warehouse: Path, bucket: Path
) -> None:
    first = datetime(2026, 11, 1, tzinfo=UTC)
    second = datetime(2026, 11, 2, tzinfo=UTC)
    deliver_legacy(bucket, text_of([charge()]), written=first)
    load(warehouse, bucket)
    deliver_legacy(bucket, text_of([charge()] * 2), assembly="assembly-2", written=second)
    assert load(warehouse, bucket) == (1, 0, 2)
    landed = content(warehouse, "raw_aws_cur")

    deliver_legacy(bucket, text_of([charge()]), written=datetime(2026, 11, 3, tzinfo=UTC))

    assert load(warehouse, bucket) == (0, 1, 0)
    assert content(warehouse, "raw_aws_cur") == landed
    assert rows(
        warehouse,
        "select assembly_id, manifest_time, line_count from raw_aws_cur.assemblies order by 1",
    ) == [
        ("assembly-1", moment("2026-11-01"), 1),
        ("assembly-2", moment("2026-11-02"), 2),
    ]


@pytest.mark.thorough
def test_reports_and_periods_can_be_chosen(warehouse: Path, bucket: Path) -> None:
    for month, period in ((8, "20260801-20260901"), (9, "20260901-20261001")):
        deliver_legacy(bucket, text_of([charge()]), period=period, assembly=f"a{month}")
    deliver_legacy(bucket, text_of([charge()]), report="other", assembly="other")

    assert load(warehouse, bucket, report="hourly", until="2026-08") == (1, 0, 1)
    assert load(warehouse, bucket, since="2026-09", until="2026-09") == (1, 0, 1)
    assert load(warehouse, bucket) == (1, 2, 1)


def good(lines: int = 1) -> bytes:
    return text_of([charge()] * lines)


def second_file(manifest: Path) -> Path:
    return next(manifest.parent.glob("*/hourly-2.csv.gz"))


def without_a_file(manifest: Path) -> None:
    second_file(manifest).unlink()


def cut_short(manifest: Path) -> None:
    file = second_file(manifest)
    file.write_bytes(file.read_bytes()[:-12])


def with_a_wrong_checksum(manifest: Path) -> None:
    file = second_file(manifest)
    content = bytearray(file.read_bytes())
    content[-8] ^= 1
    file.write_bytes(content)


def with_a_flipped_bit(manifest: Path) -> None:
    # Stored, not compressed: the flip changes a digit and nothing else notices.
    content = gzip.compress(good(2), compresslevel=0).replace(b"0.0111111111", b"0.0111111113", 1)
    second_file(manifest).write_bytes(content)


def with_text_for_a_number(manifest: Path) -> None:
    lines = [charge(), charge(), charge(lineItem__UnblendedCost="1,5")]
    second_file(manifest).write_bytes(gzip.compress(text_of(lines)))


def with_a_ragged_line(manifest: Path) -> None:
    second_file(manifest).write_bytes(gzip.compress(good() + b"a,b\n"))


def without_a_required_column(manifest: Path) -> None:
    line = {name: value for name, value in charge().items() if name != "lineItem/UnblendedCost"}
    second_file(manifest).write_bytes(gzip.compress(text_of([line])))


def in_another_currency(manifest: Path) -> None:
    second_file(manifest).write_bytes(
        gzip.compress(text_of([charge(lineItem__CurrencyCode="CNY")]))
    )


def that_is_not_json(manifest: Path) -> None:
    manifest.write_text("{")


def that_climbs_out(manifest: Path) -> None:
    rename_key(manifest, "prefix/hourly/20261001-20261101/../../../../secret.csv.gz")


def that_names_an_absolute_path(manifest: Path) -> None:
    rename_key(manifest, "/20261001-20261101/hourly-2.csv.gz")


def that_names_another_report(manifest: Path) -> None:
    rename_key(manifest, "prefix/other/20260901-20261001/other-1.csv.gz")


def that_names_a_nul(manifest: Path) -> None:
    rename_key(manifest, "prefix/hourly/20261001-20261101/a\0.csv.gz")


def that_names_a_file_twice(manifest: Path) -> None:
    rename_key(manifest, json.loads(manifest.read_text())["reportKeys"][0])


def that_delivers_bzip(manifest: Path) -> None:
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"compression": "BZIP2"}))


def that_says_zip(manifest: Path) -> None:
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"compression": "ZIP"}))


def that_is_monthly(manifest: Path) -> None:
    line = charge(identity__TimeInterval="2026-10-01T00:00:00Z/2026-11-01T00:00:00Z")
    for file in manifest.parent.glob("*/hourly-*.csv.gz"):
        file.write_bytes(gzip.compress(text_of([line])))


def that_unpacks_to_very_much(manifest: Path) -> None:
    content = io.BytesIO()
    with gzip.GzipFile(fileobj=content, mode="wb") as packed:
        packed.write(good())
        for _ in range((MOST_UNPACKED >> 24) + 1):
            packed.write(bytes(1 << 24))
    second_file(manifest).write_bytes(content.getvalue())


def that_names_a_key_of_another_kind(manifest: Path) -> None:
    rename_key(manifest, "prefix/hourly/20261001-20261101/assembly-1/notes.txt")


def rename_key(manifest: Path, key: str) -> None:
    described = json.loads(manifest.read_text())
    described["reportKeys"][1] = key
    manifest.write_text(json.dumps(described))


FAULTS = [
    (without_a_file, "hourly-2.csv.gz is not there"),
    (cut_short, "hourly-2.csv.gz is damaged"),
    (with_a_wrong_checksum, "hourly-2.csv.gz is damaged"),
    (with_a_flipped_bit, "hourly-2.csv.gz is damaged"),
    (with_text_for_a_number, "hourly-2.csv.gz, row 3: line_item_unblended_cost is '1,5'"),
    (with_a_ragged_line, "hourly-2.csv.gz cannot be read"),
    (without_a_required_column, "hourly-2.csv.gz has no column line_item_unblended_cost"),
    (
        in_another_currency,
        "hourly-2.csv.gz, row 1: line_item_currency_code is 'CNY', and what has landed is in USD",
    ),
    (that_is_not_json, "hourly-Manifest.json is not JSON"),
    (that_climbs_out, "a file outside 20261001-20261101"),
    (that_names_an_absolute_path, "a file outside 20261001-20261101"),
    (that_names_another_report, "a file outside 20261001-20261101"),
    (that_names_a_nul, "a file outside 20261001-20261101"),
    (that_names_a_file_twice, "names a data file twice"),
    (that_delivers_bzip, "delivers BZIP2"),
    (that_says_zip, "which is no .zip file"),
    (that_is_monthly, "a monthly report does not have"),
    (that_unpacks_to_very_much, "unpacks to more than"),
    (that_names_a_key_of_another_kind, "notes.txt', which is no .csv.gz file"),
]


@pytest.fixture(scope="module")
def spoiled(
    empty_warehouse: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, str]:
    """A good report beside one report for every fault: warehouse, bucket, what the load said."""
    directory = tmp_path_factory.mktemp("spoiled")
    warehouse = directory / "infraspend.duckdb"
    shutil.copy(empty_warehouse, warehouse)
    bucket = directory / "bucket"
    deliver_legacy(bucket / "a good one", good(), report="good", assembly="good")
    for spoil, _ in FAULTS:
        name = spoil.__name__
        manifest = deliver_legacy(bucket / name, good(), good(2), assembly=name)
        spoil(manifest)
        # Two days after the manifest, whatever is still missing is an error.
        os.utime(manifest, (1.7e9, 1.7e9))
    with pytest.raises(InfraspendError) as raised:
        load(warehouse, bucket)
    return warehouse, bucket, str(raised.value)


@pytest.mark.parametrize("said", [said for _, said in FAULTS])
def test_a_bad_delivery_is_named(spoiled: tuple[Path, Path, str], said: str) -> None:
    warehouse, _, message = spoiled

    assert said in message
    assert any(said in reason for (reason,) in rows(warehouse, REASONS))


@pytest.mark.thorough
def test_a_bad_delivery_stops_only_itself(spoiled: tuple[Path, Path, str]) -> None:
    warehouse, bucket, message = spoiled

    assert message.startswith(f"{len(FAULTS)} of {len(FAULTS) + 1} billing periods")
    assert "\n" not in message
    assert rows(
        warehouse, "select _assembly_id, count(*) from raw_aws_cur.line_items group by all"
    ) == [("good", 1)]
    assert len(rows(warehouse, REASONS)) == len(FAULTS)

    with pytest.raises(InfraspendError):
        load(warehouse, bucket)
    assert len(rows(warehouse, REASONS)) == len(FAULTS)


def test_a_mended_delivery_lands(warehouse: Path, bucket: Path) -> None:
    manifest = deliver_legacy(bucket, good(), good(2))
    with_text_for_a_number(manifest)
    with pytest.raises(InfraspendError):
        load(warehouse, bucket)

    deliver_legacy(bucket, good(), good(2))

    assert load(warehouse, bucket) == (1, 0, 3)


@pytest.mark.thorough
def test_damaged_parquet_is_named(warehouse: Path, bucket: Path) -> None:
    deliver_cur2(bucket, cur2_table(50))
    (file,) = bucket.rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:-20])

    with pytest.raises(InfraspendError, match=r"export-00001.snappy.parquet is damaged"):
        load(warehouse, bucket)


def test_a_cost_that_is_not_a_number_is_named_in_parquet_too(warehouse: Path, bucket: Path) -> None:
    costs = pa.array([0.1, float("nan")])
    deliver_cur2(bucket, cur2_table(2, line_item_unblended_cost=costs))

    with pytest.raises(InfraspendError, match=r"row 2: line_item_unblended_cost is 'nan'"):
        load(warehouse, bucket)


def test_a_link_out_of_the_bucket_is_not_followed(
    warehouse: Path, bucket: Path, tmp_path: Path
) -> None:
    manifest = deliver_legacy(bucket, good())
    file = manifest.parent / "assembly-1" / "hourly-1.csv.gz"
    file.rename(tmp_path / "secret.csv.gz")
    file.symlink_to(tmp_path / "secret.csv.gz")

    with pytest.raises(InfraspendError, match="leads out of"):
        load(warehouse, bucket)


@pytest.mark.thorough
def test_files_replaced_while_they_are_read_are_not_kept(warehouse: Path, bucket: Path) -> None:
    manifest = deliver_legacy(bucket, good(), overwrite=True)
    moments = itertools.count(1)

    def replace_meanwhile(message: str) -> None:
        if "landing" in message:
            moment = next(moments)
            os.utime(manifest.parent / "hourly-1.csv.gz", (moment, moment))

    with pytest.raises(InfraspendError, match="replaced files while they were being read"):
        aws_cur.load(warehouse, str(bucket), progress=replace_meanwhile)

    assert rows(warehouse, "select count(*) from raw_aws_cur.line_items") == [(0,)]
    assert load(warehouse, bucket) == (1, 0, 1)


def test_nothing_found_says_what_was_looked_for(warehouse: Path, bucket: Path) -> None:
    deliver_legacy(bucket, good(), overwrite=True).unlink()

    with pytest.raises(InfraspendError, match=r"holds no delivery .*Manifest.json"):
        load(warehouse, bucket)


@pytest.mark.parametrize(
    ("source", "said"),
    [("gs://bucket/prefix", "gs:// cannot be read"), ("/no/such/place", "is not a directory")],
)
def test_a_source_that_cannot_be_read_says_what_can(
    warehouse: Path, source: str, said: str
) -> None:
    with pytest.raises(InfraspendError, match=said):
        aws_cur.load(warehouse, source)
