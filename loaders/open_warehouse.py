"""Opens the warehouse that a location names: a DuckDB file, or a lake for Spark."""

from collections.abc import Iterator
from contextlib import contextmanager

from infraspend.loaders.duckdb_warehouse import open_duckdb
from infraspend.loaders.warehouse import LakeUrl, Warehouse, WarehouseLocation


@contextmanager
def open_warehouse(location: WarehouseLocation) -> Iterator[Warehouse]:
    """Opens a warehouse, created if missing, with every raw table and no incomplete delivery.

    Args:
        location: The DuckDB file, or a lake.

    Raises:
        InfraspendError: Another run has the warehouse, another program has the file open, the
            file is not a DuckDB database or has raw tables that another version made otherwise, or
            the lake cannot be reached.
    """
    if isinstance(location, LakeUrl):
        # Imported here, so that a DuckDB file does not wait for boto3.
        from infraspend.loaders.lake import open_lake

        with open_lake(location) as lake:
            yield lake
    else:
        # A link and what it leads to are one warehouse, with one lock.
        with open_duckdb(location.resolve()) as warehouse:
            yield warehouse


def create_raw_tables(warehouse: WarehouseLocation) -> None:
    """Creates the warehouse and its missing raw tables, empty."""
    with open_warehouse(warehouse):
        pass
