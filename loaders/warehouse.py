"""The warehouse, and the one safe way to put something into it.

A warehouse is one DuckDB file, or a lake of Parquet files for Spark (`loaders.lake`). A delivery
lands in two loads. The first inserts what was delivered, each table by one guarded
statement; the second writes the delivery's row in its ledger (`assemblies`, `collections`,
`deliveries`). The ledger row is the mark that the delivery is whole: `open_warehouse` takes away
whatever an earlier, interrupted run left without one. So a run may be killed at any moment and
repeated, and every delivery is there exactly once.
"""

import os
import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
from filelock import FileLock, Timeout

# dlt reads these when it is imported: it neither phones home nor logs a page of traceback for an
# error that is reported in one line here.
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")

import dlt
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials
from dlt.pipeline.exceptions import PipelineStepFailed

from loaders.errors import InfraspendError, first_line
from loaders.sql import literal
from loaders.tables import (
    LEDGERS,
    LOAD_ID,
    PARTS,
    TABLES,
    Columns,
    decimal_digits,
)

KILL_AT: Final = "INFRASPEND_KILL_AT"
"""Names the stage at which the process kills itself: how the tests prove that this is harmless."""


MEMORY: Final = "INFRASPEND_MEMORY"
"""Names how much memory DuckDB may take while landing, such as `4GB`; what does not fit goes to
disk, beside the warehouse."""

_MEMORY: Final = "2GB"


class LandingError(Exception):
    """The database refused a statement; the message is the database's own."""


@dataclass(frozen=True)
class Landing:
    """What one table receives in a load.

    Attributes:
        table: The table, without its dataset.
        select: A query whose columns are those of the table, less `_dlt_load_id`, by name.
        key: The column that names the delivery.
        deliveries: The deliveries that `select` holds. The statement does nothing if one of them
            is in the table already.
        partition: Column -> value: the folder that a lake keeps these rows in. DuckDB needs none.
    """

    table: str
    select: str
    key: str
    deliveries: Sequence[str]
    partition: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LakeUrl:
    """Names a lake, see `loaders.lake`: a directory or an `s3://` URL."""

    url: str


Location = Path | LakeUrl
"""Names a warehouse: the path of a DuckDB file, or a lake."""


@dataclass(frozen=True)
class Warehouse(ABC):
    """An open warehouse, held by this process alone.

    Attributes:
        workbench: An empty directory for files on their way in; it is emptied on every opening.
    """

    workbench: Path

    @abstractmethod
    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows that a query gives, all of them; for small answers."""

    @abstractmethod
    def rows_of(self, dataset: str, table: str, deliveries: Sequence[str]) -> str:
        """A table expression, for `query` and `land`, that gives the rows of some deliveries."""

    @abstractmethod
    def land(self, dataset: str, landings: Iterable[Landing]) -> None:
        """Runs one load that fills the given tables.

        Raises:
            LandingError: The database refused one of the statements; none of the tables shows
                anything of this load.
        """

    @abstractmethod
    def discard(self, dataset: str, tables: Sequence[str], deliveries: Sequence[str]) -> None:
        """Takes deliveries out of some tables, which are emptied of them in the given order."""

    @contextmanager
    def scratch(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A database of its own in memory, for what is looked up before something lands."""
        with duckdb.connect() as connection:
            connection.execute(f"set temp_directory = {literal(str(self.workbench / 'scratch'))}")
            connection.execute(f"set memory_limit = {literal(_memory())}")
            yield connection

    def land_rows(
        self,
        dataset: str,
        rows: Mapping[str, Sequence[Mapping[str, object]]],
        derived: Iterable[Landing] = (),
    ) -> None:
        """Runs one load of rows that Python holds: ledger rows, totals, rejects.

        Args:
            dataset: The dataset.
            rows: Table -> rows, each with a value for every column it has.
            derived: What else the load fills, from what has landed before.
        """
        landings = list(derived)
        for table, table_rows in rows.items():
            if table_rows:
                file = self.workbench / f"{dataset}.{table}.parquet"
                _write_parquet(file, TABLES[dataset][table], table_rows)
                ledger, key = LEDGERS[dataset]
                guarded = [str(row[key]) for row in table_rows] if table == ledger else []
                select = f"select * from read_parquet({literal(str(file))})"
                landings.append(Landing(table, select, key, guarded))
        if landings:
            self.land(dataset, landings)

    def reject(self, dataset: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Records why deliveries were refused whole, once however often they are tried again."""
        known = set(self.query(f"select file, reason from {dataset}.rejects"))
        fresh = [row for row in rows if (row["file"], row["reason"]) not in known]
        self.land_rows(dataset, {"rejects": fresh})

    def remove(self, dataset: str, delivery: str) -> None:
        """Takes everything of a delivery away again, the ledger row first."""
        ledger, _ = LEDGERS[dataset]
        self.discard(dataset, [ledger, *PARTS[dataset]], [delivery])

    def currencies(self) -> list[str]:
        """The currencies of the bills that have landed: one, or none yet."""
        known = self.query(
            "select currency_code from raw_aws_cur.control_totals where currency_code <> ''"
            " union select billing_currency from raw_focus.statements"
        )
        return [str(row[0]) for row in known]

    def landed(self, dataset: str) -> set[str]:
        """The deliveries of a dataset that have landed whole."""
        ledger, key = LEDGERS[dataset]
        return {str(row[0]) for row in self.query(f"select {key} from {dataset}.{ledger}")}


@dataclass(frozen=True)
class DuckDbWarehouse(Warehouse):
    """A warehouse in a DuckDB file.

    Attributes:
        path: The file.
    """

    path: Path
    _pipelines: dict[str, dlt.Pipeline] = field(default_factory=dict, repr=False)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows that a query gives, all of them; for small answers."""
        with duckdb.connect(self.path) as connection:
            return connection.execute(sql, parameters).fetchall()

    def rows_of(self, dataset: str, table: str, deliveries: Sequence[str]) -> str:
        """A table expression that gives the rows of some deliveries."""
        return f"(from {dataset}.{table} where {_is_one_of(dataset, table, deliveries)})"

    def land(self, dataset: str, landings: Iterable[Landing]) -> None:
        """Runs one load that fills the given tables, each by one guarded statement."""
        pipeline = self._pipeline(dataset)
        resources = [_resource(pipeline, dataset, landing) for landing in landings]
        try:
            pipeline.run(resources)
        except PipelineStepFailed as failure:
            # Not left pending: dlt would try it again before anything else, for ever.
            pipeline.abort_packages()
            self._remove_unfinished(dataset)
            raise LandingError(database_message(failure)) from failure

    def discard(self, dataset: str, tables: Sequence[str], deliveries: Sequence[str]) -> None:
        """Takes deliveries out of some tables, one after the other."""
        with duckdb.connect(self.path) as connection:
            for table in tables:
                condition = _is_one_of(dataset, table, deliveries)
                connection.execute(f"delete from {dataset}.{table} where {condition}")

    def _pipeline(self, dataset: str) -> dlt.Pipeline:
        if dataset not in self._pipelines:
            self._pipelines[dataset] = dlt.pipeline(
                dataset,
                pipelines_dir=str(_pipelines_dir(self.path)),
                destination=dlt.destinations.duckdb(
                    DuckDbCredentials(str(self.path), global_config={"memory_limit": _memory()})
                ),
                dataset_name=dataset,
            )
        return self._pipelines[dataset]

    def _create_missing_tables(self) -> None:
        present: dict[str, dict[str, set[str]]] = {}
        for dataset, table, column in self.query(
            "select table_schema, table_name, column_name from information_schema.columns"
        ):
            present.setdefault(dataset, {}).setdefault(table, set()).add(column)
        for dataset, tables in TABLES.items():
            there = present.get(dataset, {})
            if any(columns.keys() - there.get(table, set()) for table, columns in tables.items()):
                if "_dlt_version" in there:
                    # Else dlt believes what it noted there, and does not look at the tables.
                    with duckdb.connect(self.path) as connection:
                        connection.execute(f"delete from {dataset}._dlt_version")
                self.land(dataset, [nothing_for(table, tables[table]) for table in tables])

    def _remove_unfinished(self, dataset: str) -> None:
        complete = f"select load_id from {dataset}._dlt_loads where status = 0"
        ledger, key = LEDGERS[dataset]
        conditions = dict.fromkeys(TABLES[dataset], f"{LOAD_ID} not in ({complete})")
        for table, column in PARTS[dataset].items():
            conditions[table] += f" or {column} not in (select {key} from {dataset}.{ledger})"
        with duckdb.connect(self.path) as connection:
            # The ledger first: its unfinished rows vouch for nothing.
            for table in sorted(conditions, key=lambda name: name != ledger):
                connection.execute(f"delete from {dataset}.{table} where {conditions[table]}")


@contextmanager
def open_warehouse(location: Location) -> Iterator[Warehouse]:
    """Opens a warehouse, made if it is not there, with every raw table and nothing half landed.

    Args:
        location: The DuckDB file, or a lake.

    Raises:
        InfraspendError: Another run has the warehouse, another program has the file open, the
            file is not a DuckDB database, or the lake cannot be reached.
    """
    if isinstance(location, LakeUrl):
        # Here, because a lake is a warehouse.
        from loaders.lake import open_lake

        with open_lake(location) as lake:
            yield lake
    else:
        with _open_duckdb(location.absolute()) as warehouse:
            yield warehouse


@contextmanager
def _open_duckdb(path: Path) -> Iterator[Warehouse]:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InfraspendError(
            f"{path} is being loaded by another run: wait for it to end, then run this again"
        ) from error
    try:
        # What dlt has pending in there belongs to a run that is gone, and would block this one.
        shutil.rmtree(_pipelines_dir(path), ignore_errors=True)
        workbench = _pipelines_dir(path) / "workbench"
        workbench.mkdir(parents=True)
        warehouse = DuckDbWarehouse(workbench, path)
        try:
            warehouse._create_missing_tables()
            for dataset in TABLES:
                warehouse._remove_unfinished(dataset)
        except (duckdb.Error, LandingError) as error:
            raise InfraspendError(f"{path} cannot be opened: {database_message(error)}") from error
        yield warehouse
    finally:
        shutil.rmtree(_pipelines_dir(path), ignore_errors=True)
        lock.release()


def create_raw_tables(warehouse: Location) -> None:
    """Makes the warehouse with all raw tables, empty, where they are missing."""
    with open_warehouse(warehouse):
        pass


def checkpoint(stage: str) -> None:
    """Ends the process here, at once and without clean-up, if `INFRASPEND_KILL_AT` says so."""
    if os.environ.get(KILL_AT) == stage:
        os.kill(os.getpid(), signal.SIGKILL)


def delivery_key(dataset: str, table: str) -> str:
    """The column of a ledger, or of a table of what was delivered, that names the delivery."""
    ledger, key = LEDGERS[dataset]
    return key if table == ledger else PARTS[dataset][table]


def _is_one_of(dataset: str, table: str, deliveries: Sequence[str]) -> str:
    ids = ", ".join(literal(delivery) for delivery in deliveries)
    return f"{delivery_key(dataset, table)} in ({ids})"


def _memory() -> str:
    return os.environ.get(MEMORY) or _MEMORY


def _pipelines_dir(path: Path) -> Path:
    return path.with_name(f"{path.name}.landing")


def _resource(pipeline: dlt.Pipeline, dataset: str, landing: Landing) -> Any:
    columns = TABLES[dataset][landing.table]
    names = ", ".join(f'"{name}"' for name in columns)
    # As a text: dlt takes statements apart and puts them together again, several times, and so
    # DuckDB runs what is written and nothing else.
    query = f"select {names} from query({literal(landing.select)}) as src"
    if landing.deliveries:
        wanted = ", ".join(literal(delivery) for delivery in landing.deliveries)
        query += (
            f" where not exists (select 1 from {dataset}.{landing.table}"
            f" where {landing.key} in ({wanted}))"
        )
    relation = pipeline.dataset().query(query, _execute_raw_query=True)
    return dlt.resource(lambda: (yield relation), name=landing.table, columns=dlt_columns(columns))


def _write_parquet(file: Path, columns: Columns, rows: Sequence[Mapping[str, object]]) -> None:
    types = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    values = ", ".join("?" for _ in columns)
    with duckdb.connect() as connection:
        connection.execute(f"create table landing ({types})")
        connection.executemany(
            f"insert into landing values ({values})",
            [[row[name] for name in columns] for row in rows],
        )
        connection.execute(f"copy landing to {literal(str(file))} (format parquet)")


def nothing_for(table: str, columns: Columns) -> Landing:
    """A landing of no rows, which makes the table, or adds the columns it lacks."""
    nulls = ", ".join(f'cast(null as {kind}) as "{name}"' for name, kind in columns.items())
    return Landing(table, f"select {nulls} where false", "", ())


def dlt_columns(columns: Columns) -> Any:
    """The columns of a table as dlt's hints."""
    return {name: {"name": name, **_dlt_type(kind)} for name, kind in columns.items()}


def _dlt_type(kind: str) -> dict[str, object]:
    match kind:
        case "varchar":
            return {"data_type": "text"}
        case "timestamp":
            return {"data_type": "timestamp", "timezone": False}
        case "bigint" | "json":
            return {"data_type": kind}
        case _:
            precision, scale = decimal_digits(kind)
            return {"data_type": "decimal", "precision": precision, "scale": scale}


def database_message(error: BaseException) -> str:
    """The first line of what went wrong: dlt wraps the database's own words several times."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        if isinstance(cause, InfraspendError):
            break
        cause = inner
    return first_line(cause)
