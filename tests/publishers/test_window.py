"""What Spark built is published through its window: the files of the recorded build, or nothing."""

import json
from pathlib import Path

import duckdb
import pytest

from infraspend.builder.spark import Spark, home_beside
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.warehouse import LakeUrl
from infraspend.publishers.marts import publish

COLUMNS = {
    "usage_hour": {"name": "usage_hour", "data_type": "timestamp", "description": "An hour."},
    "spend": {"name": "spend", "data_type": "decimal(38, 20)", "description": "What 'it' cost."},
}
MANIFEST = {
    "nodes": {
        "model.infraspend.hours": {
            "name": "hours",
            "resource_type": "model",
            "schema": "marts",
            "description": "A mart.",
            "columns": COLUMNS,
        }
    }
}


@pytest.fixture
def spark(tmp_path: Path) -> Spark:
    """A build of one mart, as Spark leaves it: times are instants."""
    home = home_beside(tmp_path / "warehouse.duckdb")
    write(home, "1.5")
    manifest = home / "manifest.json"
    manifest.write_text(json.dumps(MANIFEST))
    spark = Spark(home, LakeUrl(str(tmp_path / "lake")))
    duckdb.connect(str(spark.window)).close()
    note(
        "nodes",
        spark,
        "'model.infraspend.hours' as node, 'model' as resource_type, 'marts' as schema_name,"
        " 'hours' as name, '' as parent",
    )
    note("unproven", spark, "'' as node, '' as why where false")
    spark.show(manifest)
    return spark


def note(table: str, spark: Spark, columns: str) -> None:
    """A table of the record, as Spark writes it."""
    folder = spark.home / "tables" / "pipeline.db" / table
    folder.mkdir(parents=True)
    duckdb.execute(f"copy (select {columns}) to '{folder / 'part.parquet'}' (format parquet)")


def write(home: Path, spend: str) -> None:
    folder = home / "tables" / "marts.db" / "hours"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    duckdb.execute(
        f"copy (select timestamptz '2026-11-18 13:00:00+00' as usage_hour, "
        f"cast({spend} as decimal(38, 20)) as spend) "
        f"to '{folder / f'part-{spend}.parquet'}' (format parquet)"
    )


def test_it_is_published_with_its_types_and_comments(spark: Spark, tmp_path: Path) -> None:
    published = publish(spark.window, tmp_path / "published")

    with duckdb.connect(str(published.database), read_only=True) as connection:
        connection.execute("set timezone = 'America/New_York'")
        rows = connection.execute(
            "select cast(usage_hour as varchar), cast(spend as varchar) from marts.hours"
        ).fetchall()
        columns = connection.execute(
            "select column_name, data_type, comment from duckdb_columns()"
            " where schema_name = 'marts'"
        ).fetchall()
        tables = connection.execute(
            "select comment from duckdb_tables() where schema_name = 'marts'"
        ).fetchall()
    assert rows == [("2026-11-18 13:00:00", "1.50000000000000000000")]
    assert columns == [
        ("usage_hour", "TIMESTAMP", "An hour."),
        ("spend", "DECIMAL(38,20)", "What 'it' cost."),
    ]
    assert tables == [("A mart.",)]


def test_what_was_made_again_without_a_record_is_not_published(
    spark: Spark, tmp_path: Path
) -> None:
    write(spark.home, "2.5")

    with pytest.raises(InfraspendError, match="was rebuilt by dbt itself since"):
        publish(spark.window, tmp_path / "published")
