"""What is exported opens in a spreadsheet with its numbers, and runs nothing."""

import csv
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pytest

from infraspend.loaders.errors import InfraspendError
from infraspend.publishers.exporting import export

HOSTILE = (
    *("=HYPERLINK(1)", "+1", "-1", "@cmd", "\ttab", "\n=1+1", "\uff1d1+1"),
    *("https://example.com", "{=1}", "plain"),
)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "infraspend.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts; create schema rounded")
        connection.execute(
            "create table marts.spending as select '2026-10' as billing_period,"
            " date '2026-10-01' as usage_date, timestamp '2026-10-01 05:00' as usage_hour,"
            " unnest($1::varchar[]) as lyft_label,"
            " 0.12345678901234567891::decimal(38, 20) as spend,"
            " -1e-8::decimal(38, 20) as credit, null::varchar as team, true as is_period_charge",
            [list(HOSTILE)],
        )
        connection.execute("create table marts.orgs as select 'a' as org")
        connection.execute(
            "create view rounded.spending as select *"
            " replace (cast(spend as decimal(18, 2)) as spend) from marts.spending"
        )
    return path


def test_csv_has_every_digit_and_no_formula(database: Path, tmp_path: Path) -> None:
    to = tmp_path / "out" / "spending.csv"

    assert export(database, "spending", to) == len(HOSTILE)

    with to.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = [row["lyft_label"] for row in rows]
    # In the order of all columns, whatever order the mart has.
    assert labels == [
        *("'\ttab", "'\n=1+1", "'+1", "'-1", "'=HYPERLINK(1)", "'@cmd"),
        *("https://example.com", "plain", "{=1}", "'\uff1d1+1"),
    ]
    assert {row["spend"] for row in rows} == {"0.12345678901234567891"}
    assert {row["credit"] for row in rows} == {"-0.00000001000000000000"}
    assert [path.name for path in to.parent.iterdir()] == ["spending.csv"]


def test_excel_has_numbers_dates_and_texts(database: Path, tmp_path: Path) -> None:
    to = tmp_path / "spending.xlsx"

    assert export(database, "spending", to, "2026-10") == len(HOSTILE)

    sheet = openpyxl.load_workbook(to).active
    header, *rows = sheet.iter_rows()
    assert [cell.value for cell in header][:3] == ["billing_period", "usage_date", "usage_hour"]
    assert [row[3].value for row in rows] == sorted(HOSTILE)
    assert {row[3].data_type for row in rows} == {"s"}
    assert {row[3].hyperlink for row in rows} == {None}
    first = [cell.value for cell in rows[0]]
    assert first[1:3] == [datetime(2026, 10, 1), datetime(2026, 10, 1, 5)]
    assert Decimal(str(first[4])) == Decimal("0.12")
    assert first[6:] == [None, True]


def test_a_month_is_of_the_usage_where_a_mart_has_none_of_the_bill(
    database: Path, tmp_path: Path
) -> None:
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "create table marts.capacity as select unnest(['2026-09', '2026-10']) as usage_month"
        )
    to = tmp_path / "capacity.csv"

    assert export(database, "capacity", to, "2026-10") == 1

    assert to.read_text(encoding="utf-8-sig").split() == ["usage_month", "2026-10"]


@pytest.mark.parametrize(
    ("mart", "name", "month", "words"),
    [
        ("nothing", "x.csv", None, "there is no mart nothing; there are orgs, spending"),
        ("spending", "x.pdf", None, r"name a file that ends in \.csv or \.xlsx"),
        ("spending", "x.csv", "2026-09", "spending has no rows of 2026-09"),
        ("orgs", "x.csv", "2026-10", "orgs is not by month"),
    ],
)
def test_what_cannot_be_exported_is_said(
    database: Path, tmp_path: Path, mart: str, name: str, month: str | None, words: str
) -> None:
    with pytest.raises(InfraspendError, match=words):
        export(database, mart, tmp_path / name, month)
    assert not (tmp_path / name).exists()


def test_more_rows_than_a_sheet_has_are_refused(database: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(database)) as connection:
        connection.execute("create table marts.long as select range as row from range(1048576)")
        connection.execute("create view rounded.long as from marts.long")

    with pytest.raises(InfraspendError, match="1,048,576 rows are more than an Excel sheet has"):
        export(database, "long", tmp_path / "long.xlsx")
    assert not (tmp_path / "long.xlsx").exists()
