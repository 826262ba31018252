"""Publishes the datasets of FOCUS, for whatever reads that: Parquet in the shape of version 1.4.

The models focus_charges, focus_billing_periods and focus_invoice_details make them, if a build has
the variable `focus`; here their columns get FOCUS's spelling. Cost and Usage is the folder `focus`,
with a folder for each month of the bill, so that a tool that is given the folder reads that dataset
and no other; the other two are a file each, beside it.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from infraspend.builder.records import opened
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.result import Progress, silent
from infraspend.loaders.sql import literal, quoted
from infraspend.publishers.marts import proven_marts, replace_parquet, written_aside

FIRST = "focus_billing_period.parquet"
"""The file that readers open first: it says which months there are."""

_DATASETS = {
    "focus": "focus_charges",
    "focus_billing_period": "focus_billing_periods",
    "focus_invoice_detail": "focus_invoice_details",
}
_BY_MONTH = "focus"
_MONTH = "billing_period"


# FOCUS 1.4 has ServiceProviderName and HostProviderName in their place.
_REMOVED = {"1.2": set[str](), "1.4": {"provider_name", "publisher_name"}}


@dataclass(frozen=True)
class PublishedFocus:
    """What was published.

    Attributes:
        parquet: The folder or file of each dataset.
        rows: How many rows each has, by the dataset's name.
    """

    parquet: tuple[Path, ...]
    rows: dict[str, int]


def publish_focus(
    warehouse: Path,
    to: Path,
    version: str = "1.4",
    progress: Progress = silent,
) -> PublishedFocus:
    """Writes the datasets of FOCUS to where people read them.

    Args:
        warehouse: A warehouse that was built with the variable `focus`, and tested since.
        to: The directory to publish to; made where it is missing.
        version: The version of FOCUS that is read: 1.2 or 1.4.
        progress: Called for every dataset.

    Returns:
        What was published.

    Raises:
        InfraspendError: It was built without the variable `focus`; something failed or was not
            tested since it was built; or the directory cannot be written.
    """
    proven_marts(warehouse)
    rows = {}
    with written_aside(to) as folder:
        with opened(warehouse, read_only=True) as connection:
            _check_is_built(connection, warehouse)
            connection.execute("set timezone = 'UTC'")
            for dataset, model in _DATASETS.items():
                progress(dataset)
                rows[dataset] = _write(connection, dataset, model, version, folder)
        parquet = tuple(replace_parquet(dataset, folder, to) for dataset in _DATASETS)
    return PublishedFocus(parquet, rows)


def focus_name(column: str) -> str:
    """A column of a model in FOCUS's spelling: `BilledCost`, `x_TrueCost`.

    Args:
        column: The column, such as `billed_cost`.
    """
    prefix, own = ("x_", column[2:]) if column.startswith("x_") else ("", column)
    return prefix + "".join(word.capitalize() for word in own.split("_"))


def _check_is_built(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> None:
    """Refuses a warehouse whose last build was without the variable `focus`."""
    built = connection.execute(
        "select name from warehouse.pipeline.nodes"
        " where resource_type = 'model' and schema_name = 'focus'"
    ).fetchall()
    if missing := set(_DATASETS.values()) - {name for (name,) in built}:
        raise InfraspendError(
            f"{warehouse} was built without {min(missing)}, so nothing of FOCUS was published; run"
            " infraspend build --vars 'focus: true' and publish again"
        )


def _write(
    connection: duckdb.DuckDBPyConnection,
    dataset: str,
    model: str,
    version: str,
    folder: Path,
) -> int:
    """Writes a dataset into new files; returns how many rows it has."""
    table = f"warehouse.focus.{model}"
    columns = [
        _as_focus(name, kind)
        for name, kind in connection.execute(
            "select column_name, data_type from duckdb_columns() where database_name = 'warehouse'"
            " and schema_name = 'focus' and table_name = ? order by column_index",
            [model],
        ).fetchall()
        if name not in _REMOVED[version] | {_MONTH}
    ]
    (rows,) = connection.execute(f"select count(*) from {table}").fetchone() or (0,)
    options = "format parquet, compression zstd"
    if dataset == _BY_MONTH and rows:
        columns.append(_MONTH)
        to, options = folder / dataset, f"{options}, partition_by ({_MONTH})"
    else:
        to = folder / f"{dataset}.parquet"
    connection.execute(
        f"copy (select {', '.join(columns)} from {table}) to {literal(str(to))} ({options})"
    )
    return int(rows)


def _as_focus(column: str, kind: str) -> str:
    """A column as FOCUS has it: its name, and moments that say that they are UTC."""
    value = f"cast({quoted(column)} as timestamptz)" if kind == "TIMESTAMP" else quoted(column)
    return f"{value} as {quoted(focus_name(column))}"
