"""The record of builds in a warehouse, in its schema `pipeline`.

dbt itself writes the record, in hooks of the project (macros/runs.sql), whoever starts dbt. This
module reads it, and adds what only `infraspend build` knows.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from infraspend.loaders import settings
from infraspend.loaders.errors import InfraspendError, first_line, holder_of_lock

BUILT_FROM = "built_from"
"""The setting with the fingerprint of the last good build; see `fingerprint_of`."""


@dataclass(frozen=True)
class Unproven:
    """A model or test that keeps the marts from being published.

    Attributes:
        node: dbt's unique id, such as `model.infraspend.true_cost`.
        why: What is wrong with it.
    """

    node: str
    why: str

    @property
    def name(self) -> str:
        """Its short name."""
        return self.node.split(".")[2] if self.node.count(".") > 1 else self.node


@contextmanager
def opened(warehouse: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, attached under the name `warehouse` whatever its file is called.

    Args:
        warehouse: An existing DuckDB file.
        read_only: Other readers may have it open at the same time.

    Raises:
        InfraspendError: It does not exist, is no DuckDB file, or another process has it open.
    """
    if not warehouse.is_file():
        raise InfraspendError(
            f"{warehouse}: there is no warehouse here; "
            "load a bill first: infraspend load aws-cur --from DIR"
        )
    quoted = str(warehouse).replace("'", "''")
    with duckdb.connect(":memory:") as connection:
        try:
            options = " (read_only)" if read_only else ""
            connection.execute(f"attach '{quoted}' as warehouse{options}")
        except duckdb.IOException as error:
            if "lock" in str(error):
                holder = holder_of_lock(error)
                who = f"process {holder[0]} ({holder[1]})" if holder else "another process"
                raise InfraspendError(
                    f"{warehouse}: {who} has the warehouse open; "
                    "wait until it is done, or close it (readers use the published copy)"
                ) from error
            raise InfraspendError(
                f"{warehouse}: cannot be opened as a DuckDB file ({first_line(error)})"
            ) from error
        yield connection


def unproven(warehouse: Path) -> tuple[Unproven, ...] | None:
    """The models and tests that keep the marts from being published, by name.

    Args:
        warehouse: An existing warehouse.

    Returns:
        The nodes and why; empty if everything was built, and tested since. None if nothing was ever
        built.

    Raises:
        InfraspendError: The warehouse cannot be opened.
    """
    with opened(warehouse, read_only=True) as connection:
        if not _is_there(connection, "unproven"):
            return None
        found = connection.execute(
            "select node, why from warehouse.pipeline.unproven order by node"
        ).fetchall()
    return tuple(Unproven(node, why) for node, why in found)


def marts(warehouse: Path) -> tuple[str, ...]:
    """The names of the marts of a warehouse that was built.

    Args:
        warehouse: A warehouse in which dbt ran.
    """
    with opened(warehouse, read_only=True) as connection:
        found = connection.execute(
            "select distinct name from warehouse.pipeline.nodes"
            " where resource_type = 'model' and schema_name = 'marts' order by name"
        ).fetchall()
    return tuple(name for (name,) in found)


def setting(warehouse: Path, name: str) -> str | None:
    """The value that `note_setting` recorded under a name; None if there is none.

    Args:
        warehouse: An existing warehouse.
        name: The name of the setting.
    """
    with opened(warehouse, read_only=True) as connection:
        connection.execute("use warehouse")
        return settings.setting(connection, name)


def note_setting(warehouse: Path, name: str, value: str) -> None:
    """Records a text in the warehouse, replacing the one before.

    Args:
        warehouse: An existing warehouse.
        name: The name of the setting.
        value: The text.
    """
    with opened(warehouse) as connection:
        connection.execute("use warehouse")
        settings.note_setting(connection, name, value)


def note_raw_tables(warehouse: Path, fingerprints: Mapping[str, tuple[str, str]]) -> None:
    """Records the raw tables that a build read; see `fingerprints_of_raw_tables`."""
    with opened(warehouse) as connection:
        # In one statement, so that a process that is killed leaves all of it or none.
        connection.execute(
            "create or replace table warehouse.pipeline.raw_datasets as select"
            " unnest($1::varchar[]) as dataset, unnest($2::varchar[]) as loads,"
            " unnest($3::varchar[]) as storage",
            [
                list(fingerprints),
                [loads for loads, _ in fingerprints.values()],
                [storage for _, storage in fingerprints.values()],
            ],
        )


def raw_tables_of_last_build(warehouse: Path) -> dict[str, tuple[str, str]]:
    """What `note_raw_tables` recorded; empty if nothing."""
    with opened(warehouse, read_only=True) as connection:
        if not _is_there(connection, "raw_datasets"):
            return {}
        found = connection.execute(
            "select dataset, loads, storage from warehouse.pipeline.raw_datasets"
        ).fetchall()
    return {dataset: (loads, storage) for dataset, loads, storage in found}


def _is_there(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether a warehouse that is `opened` has a table of this name in its schema `pipeline`."""
    found = connection.execute(
        "select count(*) from duckdb_tables() where database_name = 'warehouse'"
        " and schema_name = 'pipeline' and table_name = ?",
        [table],
    ).fetchone()
    return found == (1,)
