"""The warehouse, and the one safe way to land rows in it.

A warehouse is one DuckDB file, or a lake of Parquet files for Spark (`loaders.lake`). A delivery
lands in two loads, alone or with others. The first inserts the delivered rows, each table by one
guarded statement; the second writes the delivery's row in its ledger (`assemblies`, `collections`,
`deliveries`). The ledger row marks the delivery as complete: `open_warehouse` deletes the rows that
an interrupted run left without one. So a run may be killed at any moment and repeated, and every
delivery is there exactly once.
"""

import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb

from infraspend.loaders.errors import InfraspendError, first_line
from infraspend.loaders.settings import THIS_VERSION
from infraspend.loaders.sql import literal, quoted
from infraspend.loaders.tables import (
    LEDGERS,
    PARTS,
    TABLES,
    Columns,
    Differences,
    differences,
)

KILL_AT: Final = "INFRASPEND_KILL_AT"
"""The stage at which the process kills itself, so that tests can prove that this is harmless."""


MEMORY: Final = "INFRASPEND_MEMORY"
"""How much memory DuckDB may take while landing, such as `4GB`; the rest spills to disk, beside the
warehouse."""

_MEMORY: Final = "2GB"


class LandingError(Exception):
    """The database refused a statement; the message is its own."""


@dataclass(frozen=True)
class Landing:
    """Rows for one table.

    Attributes:
        table: The table, without its dataset.
        select: A query whose columns are those of the table, less `_dlt_load_id`, by name.
        key: The column that names the delivery.
        deliveries: The deliveries in `select`. Nothing of it lands if one of them is in the table
            already.
        partition: Column -> value: the folder of these rows in a lake. DuckDB needs none.
    """

    table: str
    select: str
    key: str
    deliveries: Sequence[str]
    partition: Mapping[str, str] = field(default_factory=dict)


def by_table(landings: Iterable[Landing]) -> dict[str, list[Landing]]:
    """The landings of each table, in their order."""
    found: dict[str, list[Landing]] = {}
    for landing in landings:
        found.setdefault(landing.table, []).append(landing)
    return found


@dataclass(frozen=True)
class LakeUrl:
    """Names a lake, see `loaders.lake`: a directory or an `s3://` URL."""

    url: str


WarehouseLocation = Path | LakeUrl
"""Names a warehouse: the path of a DuckDB file, or a lake."""


@dataclass(frozen=True)
class Warehouse(ABC):
    """An open warehouse, locked by this process.

    Attributes:
        workbench: An empty directory for temporary files; it is emptied on every opening.
    """

    workbench: Path
    _scratches: list[duckdb.DuckDBPyConnection] = field(
        default_factory=list, init=False, repr=False, compare=False, kw_only=True
    )

    @abstractmethod
    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query; for small results."""

    @abstractmethod
    def rows_of(self, dataset: str, table: str, deliveries: Sequence[str]) -> str:
        """A table expression, for `query` and `land`, of the rows of some deliveries."""

    @abstractmethod
    def land(self, dataset: str, landings: Iterable[Landing]) -> None:
        """Fills the given tables, in as few loads as it can; a table may be named several times.

        Raises:
            LandingError: The database refused one of the statements; what landed of the others
                counts only once it is recorded.
        """

    @abstractmethod
    def discard(self, dataset: str, tables: Sequence[str], deliveries: Sequence[str]) -> None:
        """Deletes deliveries from some tables, in the given order."""

    @contextmanager
    def scratch(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A separate empty database in memory, for look-ups before landing."""
        # Opening one takes longer than most look-ups.
        connection = self._scratches.pop() if self._scratches else self.open_scratch()
        try:
            yield connection
            for (table,) in connection.execute("select table_name from duckdb_tables()").fetchall():
                connection.execute(f"drop table {quoted(table)}")
        except BaseException:
            # What failed in it may have spoiled it.
            connection.close()
            raise
        self._scratches.append(connection)

    def open_scratch(self) -> duckdb.DuckDBPyConnection:
        """Opens a database in memory, for the caller to close; for one with settings of its own."""
        connection = duckdb.connect()
        connection.execute(f"set temp_directory = {literal(str(self.workbench / 'scratch'))}")
        connection.execute(f"set memory_limit = {literal(memory_limit())}")
        return connection

    def land_rows(
        self,
        dataset: str,
        rows: Mapping[str, Sequence[Mapping[str, object]]],
        derived: Iterable[Landing] = (),
    ) -> None:
        """Runs one load of rows from Python: ledger rows, totals, rejects.

        Args:
            dataset: The dataset.
            rows: Table -> rows, each with a value for every column it has.
            derived: Further tables of the load, filled from rows that landed before.
        """
        landings = list(derived)
        for table, table_rows in rows.items():
            if table_rows:
                file = self.workbench / f"{dataset}.{table}.parquet"
                with self.scratch() as connection:
                    _write_parquet(connection, file, TABLES[dataset][table], table_rows)
                ledger, key = LEDGERS[dataset]
                guarded = [str(row[key]) for row in table_rows] if table == ledger else []
                select = f"select * from read_parquet({literal(str(file))})"
                landings.append(Landing(table, select, key, guarded))
        if landings:
            self.land(dataset, landings)

    def reject(self, dataset: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Records why deliveries were refused, once however often they are retried."""
        known = set(self.query(f"select file, reason from {dataset}.rejects"))
        fresh = [row for row in rows if (row["file"], row["reason"]) not in known]
        self.land_rows(dataset, {"rejects": fresh})

    def remove(self, dataset: str, *deliveries: str) -> None:
        """Deletes all rows of deliveries, the ledger rows first."""
        ledger, _ = LEDGERS[dataset]
        self.discard(dataset, [ledger, *PARTS[dataset]], deliveries)

    def currencies(self) -> list[str]:
        """The currencies of the bills that have landed: one, or none yet."""
        known = self.query(
            "select currency_code from raw_aws_cur.control_totals where currency_code <> ''"
            " union select billing_currency from raw_focus.statements"
        )
        return [str(row[0]) for row in known]

    def landed(self, dataset: str) -> set[str]:
        """The deliveries of a dataset that have landed completely."""
        ledger, key = LEDGERS[dataset]
        return {str(row[0]) for row in self.query(f"select {key} from {dataset}.{ledger}")}


def checkpoint(stage: str) -> None:
    """Kills the process here, without clean-up, if `INFRASPEND_KILL_AT` names this stage."""
    if os.environ.get(KILL_AT) == stage:
        os.kill(os.getpid(), signal.SIGKILL)


def delivery_key(dataset: str, table: str) -> str:
    """The column of a ledger, or of a table of delivered rows, that names the delivery."""
    ledger, key = LEDGERS[dataset]
    return key if table == ledger else PARTS[dataset][table]


def is_one_of(dataset: str, table: str, deliveries: Sequence[str]) -> str:
    """A condition on a table: its row is of one of these deliveries."""
    ids = ", ".join(literal(delivery) for delivery in deliveries)
    return f"{delivery_key(dataset, table)} in ({ids})"


def memory_limit() -> str:
    """How much memory DuckDB may take, as `memory_limit` of its settings."""
    return os.environ.get(MEMORY) or _MEMORY


def _write_parquet(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    columns: Columns,
    rows: Sequence[Mapping[str, object]],
) -> None:
    types = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    values = ", ".join("?" for _ in columns)
    connection.execute(f"create table landing ({types})")
    connection.executemany(
        f"insert into landing values ({values})",
        [[row[name] for name in columns] for row in rows],
    )
    connection.execute(f"copy landing to {literal(str(file))} (format parquet)")


def what_to_migrate(
    where: str, found: Iterable[tuple[str, str, str, str]], made_by: str | None
) -> dict[str, Differences]:
    """The datasets that lack tables or columns, and which.

    Args:
        where: The warehouse, for messages.
        found: Its columns, as `loaders.tables.differences` takes them.
        made_by: The version that made it, if it says so.

    Raises:
        InfraspendError: A column is of another type, or this version does not know it.
    """
    different = differences(found)
    if others := [one for differs in different.values() for one in differs.others]:
        # Not cast: what another type cut off would stay lost, and nobody would know.
        raise InfraspendError(
            f"{where} has raw tables of {made_by or 'an unknown version'}, and this is Infraspend"
            f" {THIS_VERSION}, which has others ({others[0]}): install the version that made it, or"
            f" mv {where} {where}.old and load all deliveries again"
        )
    return different


def nothing_for(table: str, columns: Columns) -> Landing:
    """A landing of no rows, which creates the table, or adds the columns it lacks."""
    nulls = ", ".join(f'cast(null as {kind}) as "{name}"' for name, kind in columns.items())
    return Landing(table, f"select {nulls} where false", "", ())


def database_message(error: BaseException) -> str:
    """The first line of the error: dlt wraps the database's message several times."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        if isinstance(cause, InfraspendError):
            break
        cause = inner
    return first_line(cause)
