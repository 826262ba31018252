"""What dbt knows of the raw tables is what the loaders land in them."""

from pathlib import Path

import yaml

from infraspend.loaders.tables import LOAD_ID, TABLES

SOURCES = sorted((Path(__file__).parents[2] / "models" / "staging").glob("*/_*__sources.yml"))


def test_the_sources_have_the_columns_and_types_that_land() -> None:
    declared = {
        source["schema"]: {
            table["name"]: {
                column["name"]: column["data_type"].replace(", ", ",")
                for column in table["columns"]
            }
            for table in source["tables"]
            # dlt's own.
            if table["name"] != "_dlt_loads"
        }
        for file in SOURCES
        for source in yaml.safe_load(file.read_text())["sources"]
    }
    landed = {
        dataset: {table: columns | {LOAD_ID: "varchar"} for table, columns in tables.items()}
        for dataset, tables in TABLES.items()
    }
    assert declared == landed
