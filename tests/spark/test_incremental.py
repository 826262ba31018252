"""What a build on Spark makes anew, and what it leaves alone.

These come after test_engines_agree.py, which looks at what the first build made.
"""

from pathlib import Path

import duckdb

from tests.spark.comparison import differences, marts_in, spark_table
from tests.spark.conftest import Company, build_on_spark


def test_what_changed_is_made_anew_and_the_marts_are_those_of_a_full_build(
    later: Company, connection: duckdb.DuckDBPyConnection
) -> None:
    assert (later.on_duckdb.succeeded, later.on_duckdb.failures) == (True, ())
    assert (later.on_spark.succeeded, later.on_spark.failures) == (True, ())
    found = [
        difference
        for mart in marts_in(connection)
        for difference in differences(
            connection, mart, f"marts.{mart}", spark_table(later.spark_tables, "marts", mart)
        )
    ]
    assert found == []
