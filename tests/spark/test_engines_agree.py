from pathlib import Path

import duckdb
import pytest

from infraspend.builder.spark import home_beside, window_in
from infraspend.publishers.focus import publish_focus
from infraspend.publishers.marts import publish
from tests.spark.comparison import differences, differences_of_engines, tables_in
from tests.spark.conftest import Company


def test_both_engines_build_the_company_and_pass_every_test(company: Company) -> None:
    assert (company.on_duckdb.succeeded, company.on_duckdb.failures) == (True, ())
    assert (company.on_spark.succeeded, company.on_spark.failures) == (True, ())
    assert company.on_spark.may_be_published
    assert company.on_spark.models == company.on_duckdb.models
    assert company.on_spark.tests == company.on_duckdb.tests


def test_what_java_said_is_kept_beside_the_log_of_dbt(company: Company) -> None:
    assert "Apache Derby" in company.on_spark.printed.read_text()


def test_every_mart_is_the_same_row_by_row_and_digit_by_digit(
    company: Company, connection: duckdb.DuckDBPyConnection
) -> None:
    assert "enriched_spend" in tables_in(connection, "marts")
    assert tables_in(connection, "focus") == [
        *("focus_billing_periods", "focus_charges", "focus_invoice_details")
    ]
    assert differences_of_engines(connection, company.spark_tables) == []


def test_datasets_of_focus_have_charges_of_every_bill(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """The comparison is about something."""
    found = connection.execute(
        "select service_provider_name, charge_category, commitment_discount_status"
        " from focus.focus_charges group by all"
    ).fetchall()
    assert {("AWS", "Usage", "Used"), ("AWS", "Purchase", None)} <= set(found)
    assert {(provider, category) for provider, category, _ in found if provider != "AWS"} == {
        *(("Microsoft", "Usage"), ("Microsoft", "Purchase"), ("Microsoft", "Tax"))
    }
    ((invoices,),) = connection.execute(
        "select count(*) from focus.focus_invoice_details"
    ).fetchall()
    assert invoices > 0


def test_what_spark_built_is_published_as_focus_as_what_duckdb_built_is(
    company: Company, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    built = {"first": company.warehouse, "second": window_in(home_beside(company.warehouse))}
    rows = {name: publish_focus(one, tmp_path / name).rows for name, one in built.items()}
    assert rows["first"] == rows["second"]
    for dataset in ("focus/*/*.parquet", "focus_billing_period.parquet"):
        files = [f"(from read_parquet('{tmp_path / name / dataset}'))" for name in built]
        assert differences(connection, dataset, *files) == []


def test_what_spark_built_is_published_as_what_duckdb_built_is(
    company: Company, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    published = publish(window_in(home_beside(company.warehouse)), tmp_path)
    connection.execute(f"attach '{published.database}' as published (read_only)")
    for mart in tables_in(connection, "marts"):
        assert differences(connection, mart, f"marts.{mart}", f"published.marts.{mart}") == []
        described = f"select column_name, data_type, comment from duckdb_columns() where \
            schema_name = 'marts' and table_name = '{mart}' and database_name = "
        ours = connection.execute(f"{described} current_database()").fetchall()
        assert ours == connection.execute(f"{described} 'published'").fetchall()


@pytest.mark.parametrize(
    "change",
    [
        "select * replace (cast(spend + 1e-20 as decimal(38, 20)) as spend) from {} limit 1",
        "select * from {} limit 1",
        "select * replace (cast(spend as decimal(38, 19)) as spend) from {}",
        "select * exclude (spend) from {}",
    ],
)
def test_the_comparison_sees(connection: duckdb.DuckDBPyConnection, change: str) -> None:
    """One digit, one row too many, one type, one column."""
    connection.execute("create temp table few as from marts.enriched_spend limit 100")
    other = f"(from few union all ({change.format('few')}))" if "limit" in change else ""
    other = other or f"({change.format('few')})"
    assert differences(connection, "few", "few", "few") == []
    assert differences(connection, "few", "few", other) != []
    assert differences(connection, "few", other, "few") != []
