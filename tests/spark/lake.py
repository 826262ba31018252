"""A lake as the loaders leave it, made of the raw tables of a warehouse."""

from pathlib import Path

import duckdb

from loaders.sql import literal
from loaders.tables import LOAD_ID, TABLES


def export_lake(warehouse: Path, lake: Path) -> None:
    """Writes every raw table of a warehouse as Parquet, and dlt's own `_dlt_loads` as JSON lines.

    The line items lie in a folder per billing period and assembly; a table without rows is a folder
    without files.
    """
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for dataset, tables in TABLES.items():
            for table, columns in tables.items():
                folder = lake / dataset / table
                folder.mkdir(parents=True)
                names = ", ".join(f'"{name}"' for name in [*columns, LOAD_ID])
                if table == "line_items":
                    _copy(
                        connection,
                        f"select line_items.*, assemblies.billing_period, "
                        f"_assembly_id as assembly from {dataset}.line_items "
                        f"inner join {dataset}.assemblies on _assembly_id = assembly_id",
                        folder,
                        "format parquet, partition_by (billing_period, assembly)",
                    )
                elif connection.sql(f"from {dataset}.{table} limit 1"):
                    _copy(
                        connection,
                        f"select {names} from {dataset}.{table}",
                        folder / "rows.parquet",
                        "format parquet",
                    )
            loads = lake / dataset / "_dlt_loads"
            loads.mkdir()
            _copy(connection, f"from {dataset}._dlt_loads", loads / "loads.jsonl", "format json")


def _copy(connection: duckdb.DuckDBPyConnection, select: str, to: Path, options: str) -> None:
    connection.execute(f"copy ({select}) to {literal(str(to))} ({options})")
