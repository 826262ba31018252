"""Cells that AWS, or who copied the report, wrote oddly: strict for money, forgiving elsewhere."""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from infraspend.loaders import aws_cur
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.warehouse import LakeUrl
from tests.loaders.bills import charge, cur2_table, deliver_cur2, deliver_legacy, moment, text_of
from tests.loaders.queries import content, copied, rows

LISTED = [
    charge(pricing__publicOnDemandCost="0.02", lineItem__BlendedCost="0.01"),
    charge(pricing__publicOnDemandCost="n/a", lineItem__BlendedCost="?"),
    charge(pricing__publicOnDemandCost="1,5", lineItem__BlendedCost="0.01"),
]


def refusal(warehouse: Path, bucket: Path) -> str:
    with pytest.raises(InfraspendError) as raised:
        aws_cur.load(warehouse, str(bucket))
    return str(raised.value)


def other_payer(bucket: Path) -> None:
    """A good report of another payer beside the bad one."""
    line = charge(bill__PayerAccountId="000222222222")
    deliver_legacy(bucket / "other", text_of([line]), report="other", assembly="other")


def landed_assemblies(warehouse: Path) -> list[str]:
    return [name for (name,) in rows(warehouse, "select assembly_id from raw_aws_cur.assemblies")]


@pytest.mark.thorough
def test_a_list_price_that_is_none_is_unknown_and_reported_with_its_row(
    warehouse: Path, bucket: Path
) -> None:
    deliver_legacy(bucket, text_of(LISTED))
    said: list[str] = []

    result = aws_cur.load(warehouse, str(bucket), progress=said.append)

    assert (result.rows, result.unread) == (3, 3)
    assert rows(
        warehouse,
        "select pricing_public_on_demand_cost, line_item_blended_cost, line_item_unblended_cost"
        " from raw_aws_cur.line_items order by all",
    ) == [
        (Decimal("0.02"), Decimal("0.01"), Decimal("0.0111111111")),
        (None, Decimal("0.01"), Decimal("0.0111111111")),
        (None, None, Decimal("0.0111111111")),
    ]
    rejects = rows(warehouse, "select row_number, reason from raw_aws_cur.rejects order by all")
    assert [row for row, _ in rejects] == [2, 2, 3]
    assert all("prefix/hourly/20261001-20261101" in reason for _, reason in rejects)
    assert "row 2: line_item_blended_cost is '?', which is no decimal(25,10)" in rejects[0][1]
    assert "row 2: pricing_public_on_demand_cost is 'n/a'" in rejects[1][1]
    assert "row 3: pricing_public_on_demand_cost is '1,5'" in rejects[2][1]
    assert any("3 values cannot be read" in message for message in said)


@pytest.mark.thorough
def test_a_lake_forgives_what_a_file_forgives(
    warehouse: Path, lake: LakeUrl, bucket: Path, tmp_path: Path
) -> None:
    deliver_legacy(bucket, text_of([*LISTED, charge(lineItem__UsageStartDate="")]))

    aws_cur.load(warehouse, str(bucket))
    aws_cur.load(lake, str(bucket))

    copy = copied(Path(lake.url), tmp_path / "copy.duckdb")
    for table in ("line_items", "rejects", "control_totals"):
        assert content(copy, "raw_aws_cur")[table] == content(warehouse, "raw_aws_cur")[table]


@pytest.mark.thorough
def test_every_bad_value_of_money_is_named_at_once(warehouse: Path, bucket: Path) -> None:
    first = text_of([charge(), charge(lineItem__UnblendedCost="1,5")])
    lines = [
        charge(lineItem__UsageStartDate="yesterday", reservation__EffectiveCost="0"),
        charge(lineItem__UnblendedCost="", reservation__EffectiveCost="a"),
    ]
    deliver_legacy(bucket, first, text_of(lines))
    other_payer(bucket)

    said = refusal(warehouse, bucket)

    assert "hourly-1.csv.gz, row 2: line_item_unblended_cost is '1,5'" in said
    assert "hourly-2.csv.gz, row 1: line_item_usage_start_date is 'yesterday'" in said
    assert "hourly-2.csv.gz, row 2: line_item_unblended_cost is empty, and a line" in said
    assert "hourly-2.csv.gz, row 2: reservation_effective_cost is 'a'" in said
    assert landed_assemblies(warehouse) == ["other"]


def test_a_refusal_of_very_many_values_says_how_many(warehouse: Path, bucket: Path) -> None:
    deliver_legacy(bucket, text_of([charge(lineItem__UnblendedCost="x")] * 100))

    assert "row 20: line_item_unblended_cost is 'x'" in (said := refusal(warehouse, bucket))
    assert "and 80 more" in said
    assert "row 21" not in said


@pytest.mark.thorough
@pytest.mark.parametrize("nothing", ["None", "NULL", "nan", ""])
def test_none_null_and_nan_are_empty(warehouse: Path, bucket: Path, nothing: str) -> None:
    line = charge(
        lineItem__NetUnblendedCost=nothing,
        lineItem__ResourceId=nothing,
        lineItem__UsageEndDate=nothing,
        reservation__ReservationARN=nothing,
        pricing__publicOnDemandCost=nothing,
        resourceTags__user_Team=nothing,
    )
    deliver_legacy(bucket, text_of([line]))

    assert aws_cur.load(warehouse, str(bucket)).unread == 0
    assert rows(
        warehouse,
        "select line_item_net_unblended_cost, line_item_resource_id, line_item_usage_end_date,"
        " reservation_reservation_a_r_n, pricing_public_on_demand_cost, resource_tags"
        " from raw_aws_cur.line_items",
    ) == [(None,) * 6]
    assert rows(warehouse, "select lines_with_net from raw_aws_cur.control_totals") == [(0,)]


def test_not_a_number_is_empty_in_parquet_too(warehouse: Path, bucket: Path) -> None:
    nothing = pa.array([float("nan")])
    table = cur2_table(
        1,
        line_item_net_unblended_cost=nothing,
        pricing_public_on_demand_cost=nothing,
        line_item_usage_amount=nothing,
    )
    deliver_cur2(bucket, table)

    assert aws_cur.load(warehouse, str(bucket)).unread == 0
    assert rows(
        warehouse,
        "select line_item_net_unblended_cost, pricing_public_on_demand_cost,"
        " line_item_usage_amount from raw_aws_cur.line_items",
    ) == [(None, None, None)]


@pytest.mark.thorough
def test_accounts_written_as_numbers_get_their_zeros_back(warehouse: Path, bucket: Path) -> None:
    deliver_legacy(
        bucket,
        text_of(
            [
                charge(bill__PayerAccountId="111111111", lineItem__UsageAccountId="12345678901"),
                charge(lineItem__UsageAccountId="12345678901.0"),
            ]
        ),
    )
    table = cur2_table(
        1,
        bill_payer_account_id=pa.array([111111111]),
        line_item_usage_account_id=pa.array([12345678901.0]),
    )
    deliver_cur2(bucket, table)

    aws_cur.load(warehouse, str(bucket))

    for accounts in (
        "bill_payer_account_id, line_item_usage_account_id from raw_aws_cur.line_items",
        "payer_account_id, '012345678901' from raw_aws_cur.control_totals",
        "payer_account_id, account_id from raw_aws_cur.summaries",
    ):
        assert rows(warehouse, f"select distinct {accounts}") == [("000111111111", "012345678901")]


@pytest.mark.thorough
@pytest.mark.parametrize("account", ["1.23457E+11", "1234567890123", "-1", "", "nan"])
@pytest.mark.parametrize("column", ["bill/PayerAccountId", "lineItem/UsageAccountId"])
def test_a_line_without_an_account_is_refused_by_its_row(
    warehouse: Path, bucket: Path, account: str, column: str
) -> None:
    deliver_legacy(bucket, text_of([charge(), dict(charge()) | {column: account}]))
    other_payer(bucket)

    said = refusal(warehouse, bucket)

    assert f"hourly-1.csv.gz, row 2: {'bill_payer' if 'bill' in column else 'line_item_us'}" in said
    assert (
        f"is {repr(account) if account else 'empty'}, and a line of a bill needs twelve digits"
        in said
    )
    assert landed_assemblies(warehouse) == ["other"]


@pytest.mark.thorough
def test_a_line_without_dates_is_dated_by_its_interval_or_its_period(
    warehouse: Path, bucket: Path
) -> None:
    undated = {"lineItem/UsageStartDate": "", "lineItem/UsageEndDate": ""}
    lines = [
        charge(),
        dict(charge()) | undated | {"lineItem/LineItemType": "Credit"},
        dict(charge()) | undated | {"lineItem/LineItemType": "Tax", "identity/TimeInterval": ""},
    ]
    deliver_legacy(bucket, text_of(lines))
    said: list[str] = []

    aws_cur.load(warehouse, str(bucket), progress=said.append)

    assert rows(
        warehouse,
        "select line_item_line_item_type, line_item_usage_start_date, line_item_usage_end_date"
        " from raw_aws_cur.line_items order by 1",
    ) == [
        ("Credit", moment("2026-10-03 05:00"), moment("2026-10-03 06:00")),
        ("Tax", moment("2026-10-01"), moment("2026-11-01")),
        ("Usage", moment("2026-10-03 05:00"), moment("2026-10-03 06:00")),
    ]
    assert any("1 lines without dates belong to the whole period" in message for message in said)


@pytest.mark.thorough
def test_an_interval_that_is_none_never_reaches_a_build(warehouse: Path, bucket: Path) -> None:
    deliver_legacy(bucket, text_of([charge(identity__TimeInterval="soon")]))

    assert aws_cur.load(warehouse, str(bucket)).unread == 1
    assert rows(warehouse, "select identity_time_interval from raw_aws_cur.line_items") == [(None,)]
    ((reason,),) = rows(warehouse, "select reason from raw_aws_cur.rejects")
    assert "row 1: identity_time_interval is 'soon', which is no interval of time" in reason


TAGGED = [charge(resourceTags__user_Team="a"), charge(resourceTags__user_Team="caf\u00e9")]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            text_of(TAGGED).decode().encode("latin-1"),
            "row 2: resourceTags/user_Team is b'caf\\xe9', which is not UTF-8",
        ),
        (text_of([charge()]) + b"a,b\n", "row 2: it has 2 columns and the header 9"),
        (text_of([charge()]).decode().encode("utf-16"), "is written in UTF-16"),
    ],
)
def test_a_text_that_cannot_be_read_is_named_by_row_and_value(
    warehouse: Path, bucket: Path, text: bytes, said: str
) -> None:
    deliver_legacy(bucket, text)
    other_payer(bucket)

    message = refusal(warehouse, bucket)

    assert "hourly-1.csv.gz" in message
    assert said in message
    assert landed_assemblies(warehouse) == ["other"]


@pytest.mark.thorough
def test_tags_as_a_list_of_keys_and_values_are_read(warehouse: Path, bucket: Path) -> None:
    entries = pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))
    tags = [[{"key": "user_team", "value": "b"}, {"key": "user_service", "value": "a"}]]
    deliver_cur2(bucket, cur2_table(1, resource_tags=pa.array(tags, entries)))

    aws_cur.load(warehouse, str(bucket))

    assert rows(warehouse, "select resource_tags from raw_aws_cur.line_items") == [
        ('{"user_service":"a","user_team":"b"}',)
    ]


def test_tags_of_another_shape_are_refused_by_file_and_column(
    warehouse: Path, bucket: Path
) -> None:
    deliver_cur2(bucket, cur2_table(1, resource_tags=pa.array([["user_team=b"]])))

    said = refusal(warehouse, bucket)

    assert "export-00001.snappy.parquet: resource_tags is VARCHAR[], which is no map" in said
