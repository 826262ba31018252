"""Every way in which AWS delivers a bill lands in the same shape."""

import csv
import gzip
import io
import json
import zipfile
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infraspend.loaders import aws_cur
from infraspend.loaders.aws_cur.canonical import Value, dictionary, layouts, line_items
from infraspend.loaders.aws_cur.manifest import CUR2_PARQUET
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.files import verify_parquet
from tests.loaders.bills import (
    FIXTURE,
    charge,
    cur2_table,
    deliver_cur2,
    deliver_legacy,
    moment,
    text_of,
)
from tests.loaders.queries import rows

ICE = Path(__file__).parent.parent / "fixtures" / "ice"

LINES = (
    "select line_item_usage_account_id, line_item_unblended_cost, line_item_usage_start_date,"
    " resource_tags, product, product_instance_type, discount from raw_aws_cur.line_items"
    " order by line_item_unblended_cost"
)
LANDED = [
    (
        "012345678901",
        Decimal("0.0111111111"),
        moment("2026-10-03 05:00"),
        '{"user_service":"api"}',
        '{"region":"us-west-2"}',
        "m5.large",
        '{"edp_discount":"-0.1"}',
    )
]


def legacy_line() -> dict[str, str]:
    return dict(charge()) | {
        "resourceTags/user:Service": "api",
        "resourceTags/user:Team": "",
        "product/region": "us-west-2",
        "product/instanceType": "m5.large",
        "discount/EdpDiscount": "-0.1",
    }


def cur2_line() -> dict[str, str]:
    return {
        "bill_payer_account_id": "000111111111",
        "bill_billing_period_start_date": "2026-10-01T00:00:00.000Z",
        "line_item_usage_account_id": "012345678901",
        "line_item_line_item_type": "Usage",
        "line_item_usage_start_date": "2026-10-03T05:00:00.000Z",
        "line_item_unblended_cost": "0.0111111111",
        "line_item_currency_code": "USD",
        "product_instance_type": "m5.large",
        "resource_tags": '{"user_team": "", "user_service": "api"}',
        "product": '{"region": "us-west-2"}',
        "discount": '{"edp_discount": -0.1}',
    }


def replace_files(manifest: Path, compression: str, files: dict[str, bytes]) -> None:
    """Makes a delivery one of other files, given by their keys below the bucket."""
    bucket = manifest.parents[3]
    described = json.loads(manifest.read_text())
    described |= {"compression": compression, "reportKeys": list(files)}
    manifest.write_text(json.dumps(described))
    for key, content in files.items():
        (bucket / key).parent.mkdir(parents=True, exist_ok=True)
        (bucket / key).write_bytes(content)


def packed(bucket: Path, members: dict[str, bytes]) -> bytes:
    path = bucket / "packed.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path.read_bytes()


def deliver_zip(bucket: Path) -> None:
    content = packed(bucket, {"hourly-1.csv": text_of([legacy_line()])})
    manifest = deliver_legacy(bucket, b"")
    key = "prefix/hourly/20261001-20261101/assembly-1/hourly-1.csv.zip"
    replace_files(manifest, "ZIP", {key: content})


def deliver_parquet(bucket: Path) -> None:
    table = cur2_table(
        1,
        line_item_unblended_cost=pa.array([0.0111111111]),
        resource_tags_user_service=pa.array(["api"]),
        resource_tags_user_team=pa.array([""]),
        product_region=pa.array(["us-west-2"]),
        product_instance_type=pa.array(["m5.large"]),
        discount_edp_discount=pa.array([-0.1]),
    ).drop(["resource_tags", "product", "discount"])
    pq.write_table(table, bucket / "table")
    manifest = deliver_legacy(bucket, b"")
    key = "prefix/hourly/hourly/year=2026/month=10/hourly-00001.snappy.parquet"
    replace_files(manifest, "Parquet", {key: (bucket / "table").read_bytes()})


def deliver_export(bucket: Path, folder: str) -> None:
    export = bucket / "prefix" / "export"
    data = f"data/BILLING_PERIOD=2026-10/{folder}export-00001.csv.gz"
    (export / data).parent.mkdir(parents=True)
    (export / data).write_bytes(gzip.compress(text_of([cur2_line()])))
    manifest = export / "metadata" / "BILLING_PERIOD=2026-10" / "export-Manifest.json"
    manifest.parent.mkdir(parents=True)
    keys = [f"s3://bucket/prefix/export/{data}"]
    manifest.write_text(json.dumps({"executionId": "execution-1", "dataFiles": keys}))


def deliver_export_again(bucket: Path) -> None:
    deliver_export(bucket, "2026-11-02T10:00:00.000Z-execution-1/")


def deliver_export_over(bucket: Path) -> None:
    deliver_export(bucket, "")


def deliver_text(bucket: Path) -> None:
    deliver_legacy(bucket, text_of([legacy_line()]))


@pytest.mark.parametrize(
    ("deliver", "form"),
    [
        (deliver_text, "legacy_csv_gz"),
        (deliver_zip, "legacy_csv_zip"),
        (deliver_parquet, "legacy_parquet"),
        (deliver_export_again, "cur2_csv_gz"),
        (deliver_export_over, "cur2_csv_gz"),
    ],
)
def test_every_format_lands_alike(
    warehouse: Path, bucket: Path, deliver: object, form: str
) -> None:
    deliver(bucket)  # type: ignore[operator]

    assert aws_cur.load(warehouse, str(bucket)).rows == 1

    assert rows(warehouse, LINES) == LANDED
    assert rows(warehouse, "select format from raw_aws_cur.assemblies") == [(form,)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"a.csv": b"a", "b.csv": b"b"}, "holds 2 files and not one"),
        ({"a.csv": b""}, "has no header row"),
        (None, "is damaged"),
    ],
)
def test_a_bad_zip_is_named(
    warehouse: Path, bucket: Path, content: dict[str, bytes] | None, said: str
) -> None:
    deliver_zip(bucket)
    (file,) = bucket.rglob("*.csv.zip")
    data = bytearray(file.read_bytes())
    data[60] ^= 1
    file.write_bytes(data if content is None else packed(bucket, content))

    with pytest.raises(InfraspendError, match=f"hourly-1.csv.zip {said}"):
        aws_cur.load(warehouse, str(bucket))


def test_json_that_is_none_is_named_by_its_row(warehouse: Path, bucket: Path) -> None:
    deliver_export_over(bucket)
    (file,) = bucket.rglob("*.csv.gz")
    lines = [cur2_line(), cur2_line() | {"resource_tags": "{user_service: api"}]
    file.write_bytes(gzip.compress(text_of(lines)))

    with pytest.raises(InfraspendError, match=r"row 2: resource_tags is '\{user_service: api'"):
        aws_cur.load(warehouse, str(bucket))


@pytest.mark.thorough
@pytest.mark.parametrize("manifest", sorted(ICE.glob("*.json")), ids=lambda path: path.stem)
def test_the_columns_of_real_reports_of_several_years_have_a_place(
    warehouse: Path, bucket: Path, manifest: Path
) -> None:
    names = [
        f"{column['category']}/{column['name']}"
        for column in json.loads(manifest.read_text())["columns"]
    ]
    filled = charge(lineItem__UsageType="filled")
    line = {name: filled.get(name, "x" if "Tags" in name else "") for name in names}
    deliver_legacy(bucket, text_of([line | filled]))
    said: list[str] = []

    aws_cur.load(warehouse, str(bucket), progress=said.append)

    ((tags, cost),) = rows(
        warehouse,
        "select coalesce(len(json_keys(resource_tags)), 0), line_item_unblended_cost"
        " from raw_aws_cur.line_items",
    )
    # Every tag is there, also those whose keys differ only in what a name cannot hold.
    assert tags == sum(name.startswith("resourceTags/") for name in names)
    assert cost == Decimal("0.0111111111")
    left_out = [message for message in said if "left out" in message]
    assert not left_out or "resourceTags" not in left_out[0]


@pytest.mark.thorough
def test_a_column_that_changes_its_type_from_file_to_file_lands(
    warehouse: Path, bucket: Path
) -> None:
    deliver_parquet(bucket)
    manifest = next(bucket.rglob("hourly/20261001-20261101/hourly-Manifest.json"))
    text = cur2_table(1, line_item_unblended_cost=pa.array(["0.0222222222"]))
    pq.write_table(text.drop(["resource_tags", "product", "discount"]), bucket / "text")
    key = "prefix/hourly/hourly/year=2026/month=10/hourly-0000{}.snappy.parquet"
    replace_files(
        manifest,
        "Parquet",
        {
            key.format(1): (bucket / "table").read_bytes(),
            key.format(2): (bucket / "text").read_bytes(),
        },
    )

    aws_cur.load(warehouse, str(bucket))

    assert rows(warehouse, "select sum(line_item_unblended_cost) from raw_aws_cur.line_items") == [
        (Decimal("0.0333333333"),)
    ]


@pytest.mark.thorough
def test_a_daily_report_keeps_its_grain(warehouse: Path, bucket: Path) -> None:
    deliver_legacy(bucket, FIXTURE.read_bytes(), report="daily", period="20231101-20231201")

    aws_cur.load(warehouse, str(bucket))

    assert rows(warehouse, "select grain_hours from raw_aws_cur.assemblies") == [(24,)]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("end", "hours"),
    [
        ("2026-10-03T06:00:00Z", 1),
        ("2026-10-03T05:59:59Z", 1),
        ("2026-10-04T05:00:00Z", 24),
        ("2026-10-04T04:59:59Z", 24),
    ],
)
@pytest.mark.parametrize("interval", [{}, {"identity/TimeInterval": ""}])
def test_the_grain_is_known_from_the_usage_where_no_interval_was_chosen(
    warehouse: Path, bucket: Path, end: str, hours: int, interval: dict[str, str]
) -> None:
    line = dict(charge(lineItem__UsageEndDate=end))
    del line["identity/TimeInterval"]
    whole_month = {
        "lineItem/UsageStartDate": "2026-10-01T00:00:00Z",
        "lineItem/UsageEndDate": "2026-11-01T00:00:00Z",
    }
    deliver_legacy(bucket, text_of([line | interval, line | interval | whole_month]))

    aws_cur.load(warehouse, str(bucket))

    assert rows(warehouse, "select grain_hours from raw_aws_cur.assemblies") == [(hours,)]


REAL_DAY = Path(__file__).parent.parent / "fixtures" / "daily_report.csv.gz"


@pytest.mark.parametrize(
    "report", [FIXTURE.read_bytes(), gzip.decompress(REAL_DAY.read_bytes())], ids=["eleven", "real"]
)
def test_a_real_daily_report_without_its_intervals_is_daily(
    warehouse: Path, bucket: Path, report: bytes
) -> None:
    """Most of its usage is from one hour of its day to the next."""
    lines = list(csv.DictReader(io.StringIO(report.decode())))
    for line in lines:
        line.pop("identity/TimeInterval", None)
        line.pop("identity_time_interval", None)
    deliver_legacy(bucket, text_of(lines), report="daily", period="20231101-20231201")

    aws_cur.load(warehouse, str(bucket))

    assert rows(warehouse, "select grain_hours from raw_aws_cur.assemblies") == [(24,)]


def test_a_monthly_report_without_intervals_is_refused(warehouse: Path, bucket: Path) -> None:
    line = dict(
        charge(
            lineItem__UsageStartDate="2026-10-01T00:00:00Z",
            lineItem__UsageEndDate="2026-11-01T00:00:00Z",
        )
    )
    del line["identity/TimeInterval"]
    deliver_legacy(bucket, text_of([line]))

    with pytest.raises(InfraspendError, match=r"is 31 days.*a monthly report does not have"):
        aws_cur.load(warehouse, str(bucket))


ALL_TAGS = {
    "resourceTags/user:Service": "api",
    "resourceTags/department": "teamA",
    "resourceTags/costCenter": "7",
    "resourceTags/cost-center": "8",
    "resourceTags/aws:createdBy": "",
    "userAttribute/Department": "teamB",
    "accountTag/department": "teamC",
    "costCategory/Business Unit": "teamD",
}
TAGS_LANDED = [
    (
        '{"user_cost_center":"8","user_cost_center_2":"7","user_department":"teamA",'
        '"user_service":"api"}',
        '{"business_unit":"teamD"}',
        "teamC",
        "teamB",
        '{"account_department":"teamC","attribute_department":"teamB"}',
    )
]
TAGS = (
    "select resource_tags, cost_category, tags ->> 'accountTag/department',"
    " tags ->> 'userAttribute/Department', account_tags from raw_aws_cur.line_items"
)


@pytest.mark.thorough
def test_all_tags_are_used_where_those_of_the_resource_were_not_chosen(
    warehouse: Path, bucket: Path
) -> None:
    text_map = pa.map_(pa.string(), pa.string())
    table = cur2_table(1, tags=pa.array([list(ALL_TAGS.items())], text_map))
    deliver_cur2(bucket, table.drop(["resource_tags"]))

    aws_cur.load(warehouse, str(bucket))

    assert rows(warehouse, TAGS) == TAGS_LANDED


@pytest.mark.thorough
def test_all_tags_are_used_in_text_too(warehouse: Path, bucket: Path) -> None:
    deliver_export_over(bucket)
    (file,) = bucket.rglob("*.csv.gz")
    line = cur2_line() | {"tags": json.dumps(ALL_TAGS)}
    del line["resource_tags"]
    file.write_bytes(gzip.compress(text_of([line])))

    aws_cur.load(warehouse, str(bucket))

    assert rows(warehouse, TAGS) == TAGS_LANDED


@pytest.mark.thorough
def test_tags_of_the_resource_are_left_alone_where_both_were_chosen(
    warehouse: Path, bucket: Path
) -> None:
    text_map = pa.map_(pa.string(), pa.string())
    tags = [list(ALL_TAGS.items())]
    deliver_cur2(bucket, cur2_table(1, tags=pa.array(tags, text_map)))

    aws_cur.load(warehouse, str(bucket))

    assert rows(warehouse, "select resource_tags from raw_aws_cur.line_items") == [
        ('{"aws_eks_cluster_name":"blue","user_service":"api"}',)
    ]


@pytest.mark.thorough
def test_a_focus_export_is_refused_with_what_to_do(warehouse: Path, bucket: Path) -> None:
    focus = pa.table(
        {
            "BilledCost": pa.array([1.0]),
            "ChargePeriodStart": pa.array([moment("2026-10-03")]),
            "ChargePeriodEnd": pa.array([moment("2026-10-04")]),
            "Tags": pa.array([[]], pa.map_(pa.string(), pa.string())),
        }
    )
    deliver_cur2(bucket, focus)
    deliver_legacy(bucket, text_of([charge()]))

    with pytest.raises(InfraspendError, match=r"is a FOCUS export: .*load focus; or have AWS"):
        aws_cur.load(warehouse, str(bucket))
    assert rows(warehouse, "select report from raw_aws_cur.assemblies") == [("hourly",)]


def test_a_map_that_the_dictionary_lacks_lands_the_same(tmp_path: Path) -> None:
    file = tmp_path / "file"
    tags = [[("user_team", ""), ("user_service", "e\u0301")], [], None]
    text_map = pa.map_(pa.string(), pa.string())
    pq.write_table(cur2_table(3, resource_tags=pa.array(tags, text_map)), file)
    with duckdb.connect() as connection:
        shapes = layouts([verify_parquet("file", file, connection)], CUR2_PARQUET)
        query = dictionary(shapes, "counted")
        landed = []
        for known in ("true", "false"):
            maps = tmp_path / f"{known}.parquet"
            connection.execute(f"copy (from ({query}) where {known}) to '{maps}'")
            line = line_items(shapes[0], "assembly", "2026-10", maps)
            landed.append(
                connection.execute(
                    f"select resource_tags, product, discount from ({line})"
                ).fetchall()
            )

    assert sorted(landed[0], key=str) == sorted(landed[1], key=str)
    assert {row[0] for row in landed[0]} == {'{"user_service":"\u00e9"}', None}


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.floats(-1e6, 1e6),
            st.integers(-(10**16), 10**16).map(lambda digits: digits / 10**10),
            st.none(),
        ),
        min_size=1,
        max_size=200,
    )
)
def test_a_control_total_has_the_digits_of_the_text(amounts: list[float | None]) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create table delivered as select unnest(cast(? as double[])) as cost", [amounts]
        )
        value = Value("cost", "DOUBLE")
        landed = value.landed("decimal(25,10)")
        different = connection.execute(
            f"select cost from delivered where {value.total} is distinct from"
            f" cast({value.text} as decimal(38,18)) or {landed} is distinct from"
            f" cast({value.text} as decimal(25,10))"
        ).fetchall()

    assert different == []


@pytest.mark.thorough
def test_columns_that_cur_2_does_not_know_are_kept(warehouse: Path, bucket: Path) -> None:
    line = charge(bill__ChargebackCode="red", lineItem__UsageType="")
    deliver_legacy(bucket, text_of([dict(line) | {"x_team": "a", "billing_period": "2026-10"}]))
    said: list[str] = []

    aws_cur.load(warehouse, str(bucket), progress=said.append)

    assert rows(warehouse, "select other_columns from raw_aws_cur.line_items") == [
        ('{"bill_chargeback_code":"red","x_team":"a"}',)
    ]
    assert "hourly 2026-10: not in CUR 2.0, in other_columns: bill_chargeback_code, x_team" in said
