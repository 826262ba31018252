"""The raw tables as dlt sources: one for each dataset, with a resource for each table.

    dlt.pipeline("raw_focus", ...).run(raw_focus({"charges": rows_of_charges}))

A loader says which rows go into which table, the warehouse runs the pipeline, and the contract
refuses columns and types that `loaders.tables` does not have: what a delivery brings along besides
goes into a JSON column of its table.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import dlt
from dlt.common.schema.typing import TColumnSchema, TSchemaContractDict
from dlt.extract import DltResource, DltSource

from infraspend.loaders.tables import TABLES, Columns, decimal_digits

Rows = Mapping[str, Callable[[], Iterator[Any]]]
"""Table -> what yields its rows, in any form that dlt takes."""

CONTRACT: Final[TSchemaContractDict] = {
    # A warehouse of an earlier version gets the tables that it lacks.
    "tables": "evolve",
    "columns": "freeze",
    "data_type": "freeze",
}


@dlt.source(schema_contract=CONTRACT, max_table_nesting=0)
def raw_aws_cur(rows: Rows) -> Iterator[DltResource]:
    """AWS Cost and Usage Reports: `line_items`, and what is kept of their `assemblies`."""
    yield from _resources("raw_aws_cur", rows)


@dlt.source(schema_contract=CONTRACT, max_table_nesting=0)
def raw_focus(rows: Rows) -> Iterator[DltResource]:
    """Bills in FOCUS: `charges`, and what is kept of their `statements`."""
    yield from _resources("raw_focus", rows)


@dlt.source(schema_contract=CONTRACT, max_table_nesting=0)
def raw_kubernetes(rows: Rows) -> Iterator[DltResource]:
    """Usage of Kubernetes: pods, nodes and volumes by the hour, and their `collections`."""
    yield from _resources("raw_kubernetes", rows)


@dlt.source(schema_contract=CONTRACT, max_table_nesting=0)
def raw_platforms(rows: Rows) -> Iterator[DltResource]:
    """What platform owners publish: `usage` and `schedules`, and their `deliveries`."""
    yield from _resources("raw_platforms", rows)


SOURCES: Final[dict[str, Callable[[Rows], DltSource]]] = {
    "raw_aws_cur": raw_aws_cur,
    "raw_focus": raw_focus,
    "raw_kubernetes": raw_kubernetes,
    "raw_platforms": raw_platforms,
}
"""Dataset -> its source."""


def _resources(dataset: str, rows: Rows) -> Iterator[DltResource]:
    for table, yielding in rows.items():
        yield dlt.resource(
            yielding,
            name=table,
            columns=_hints(TABLES[dataset][table]),
            schema_contract=CONTRACT,
            write_disposition="append",
        )


def _hints(columns: Columns) -> dict[str, TColumnSchema]:
    """The columns of a table as dlt has them."""
    return {name: {"name": name, **_type(kind)} for name, kind in columns.items()}


def _type(kind: str) -> TColumnSchema:
    match kind:
        case "varchar":
            return {"data_type": "text"}
        case "timestamp":
            return {"data_type": "timestamp", "timezone": False}
        case "bigint":
            return {"data_type": "bigint"}
        case "json":
            return {"data_type": "json"}
        case _:
            precision, scale = decimal_digits(kind)
            return {"data_type": "decimal", "precision": precision, "scale": scale}
