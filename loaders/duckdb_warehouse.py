"""A warehouse in a DuckDB file: dlt's DuckDB destination, one guarded statement for each table."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dlt
import duckdb
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials
from dlt.pipeline.exceptions import PipelineStepFailed

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.local import emptied, locked, private
from infraspend.loaders.raw_sources import SOURCES
from infraspend.loaders.settings import THIS_VERSION, VERSION, note_setting, setting
from infraspend.loaders.sql import literal
from infraspend.loaders.tables import LEDGERS, LOAD_ID, PARTS, TABLES
from infraspend.loaders.warehouse import (
    Landing,
    LandingError,
    Warehouse,
    by_table,
    database_message,
    is_one_of,
    memory_limit,
    nothing_for,
    what_to_migrate,
)


@dataclass(frozen=True)
class DuckDbWarehouse(Warehouse):
    """A warehouse in a DuckDB file.

    Attributes:
        path: The file.
    """

    path: Path
    _pipelines: dict[str, dlt.Pipeline] = field(default_factory=dict, repr=False)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query; for small results."""
        with duckdb.connect(self.path) as connection:
            return connection.execute(sql, parameters).fetchall()

    def rows_of(self, dataset: str, table: str, deliveries: Sequence[str]) -> str:
        """A table expression of the rows of some deliveries."""
        return f"(from {dataset}.{table} where {is_one_of(dataset, table, deliveries)})"

    def land(self, dataset: str, landings: Iterable[Landing]) -> None:
        """Runs one load that fills the given tables, each by one guarded statement."""
        pipeline = self._pipeline(dataset)
        # One for all tables, and an empty schema: dlt would read its own from the warehouse.
        reading = pipeline.dataset(dlt.Schema(dataset))
        rows = {
            table: _rows(reading, dataset, table, of_table)
            for table, of_table in by_table(landings).items()
        }
        try:
            pipeline.run(SOURCES[dataset](rows))
        except PipelineStepFailed as failure:
            # Not left pending: dlt would retry it before anything else, for ever.
            pipeline.abort_packages()
            self._remove_unfinished(dataset)
            raise LandingError(database_message(failure)) from failure

    def discard(self, dataset: str, tables: Sequence[str], deliveries: Sequence[str]) -> None:
        """Deletes deliveries from some tables, one after the other."""
        with duckdb.connect(self.path) as connection:
            for table in tables:
                condition = is_one_of(dataset, table, deliveries)
                connection.execute(f"delete from {dataset}.{table} where {condition}")

    def _pipeline(self, dataset: str) -> dlt.Pipeline:
        if dataset not in self._pipelines:
            credentials = DuckDbCredentials(
                str(self.path), global_config={"memory_limit": memory_limit()}
            )
            self._pipelines[dataset] = dlt.pipeline(
                dataset,
                pipelines_dir=str(_pipelines_dir(self.path)),
                # Resolved: dlt looks for the rest of them in the environment at every step.
                destination=dlt.destinations.duckdb(credentials.resolve()),
                dataset_name=dataset,
            )
        return self._pipelines[dataset]

    def _migrate(self) -> None:
        """Makes raw tables that are missing, adds columns that they lack, and notes the version.

        Raises:
            InfraspendError: A column is of another type, or this version does not know it.
        """
        with duckdb.connect(self.path) as connection:
            found = connection.execute(
                "select table_schema, table_name, column_name, data_type"
                " from information_schema.columns where table_catalog = current_database()"
            ).fetchall()
            different = what_to_migrate(str(self.path), found, setting(connection, VERSION))
            known = {dataset for dataset, *_ in found}
            for dataset in different.keys() & known:
                # Else dlt believes what it noted there, and does not look at the tables.
                connection.execute(f"delete from {dataset}._dlt_version")
        for dataset in different:
            tables = TABLES[dataset]
            self.land(dataset, [nothing_for(table, tables[table]) for table in tables])
        with duckdb.connect(self.path) as connection:
            if setting(connection, VERSION) != THIS_VERSION:
                note_setting(connection, VERSION, THIS_VERSION)

    def _remove_unfinished(self, dataset: str) -> None:
        complete = f"select load_id from {dataset}._dlt_loads where status = 0"
        ledger, key = LEDGERS[dataset]
        conditions = dict.fromkeys(TABLES[dataset], f"{LOAD_ID} not in ({complete})")
        for table, column in PARTS[dataset].items():
            conditions[table] += f" or {column} not in (select {key} from {dataset}.{ledger})"
        with duckdb.connect(self.path) as connection:
            # The ledger first: its unfinished rows prove nothing.
            for table in sorted(conditions, key=lambda name: name != ledger):
                connection.execute(f"delete from {dataset}.{table} where {conditions[table]}")


@contextmanager
def open_duckdb(path: Path) -> Iterator[DuckDbWarehouse]:
    """Opens a DuckDB file, created if missing; see `open_warehouse`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f"{path.name}.lock")
    busy = f"{path} is being loaded by another run: wait for it to end, then run this again"
    with locked(lock, busy), private():
        # What dlt has pending in there belongs to a run that is gone, and would block this one.
        workbench = emptied(_pipelines_dir(path)) / "workbench"
        workbench.mkdir()
        try:
            warehouse = DuckDbWarehouse(workbench, path)
            with ExitStack() as stack:
                try:
                    # dlt opens and closes the file for every step: opened once, that costs nothing.
                    stack.enter_context(duckdb.connect(path))
                    warehouse._migrate()
                    for dataset in TABLES:
                        warehouse._remove_unfinished(dataset)
                except (duckdb.Error, LandingError) as error:
                    raise InfraspendError(
                        f"{path} cannot be opened: {database_message(error)}"
                    ) from error
                yield warehouse
        finally:
            shutil.rmtree(_pipelines_dir(path), ignore_errors=True)


def _pipelines_dir(path: Path) -> Path:
    return path.with_name(f"{path.name}.landing")


def _rows(
    reading: dlt.Dataset, dataset: str, table: str, landings: Sequence[Landing]
) -> Callable[[], Iterator[Any]]:
    """What yields a table's rows: a relation, so that dlt inserts them by one statement.

    dlt alone loads at least once: killed after its insert and before its note of it, it inserts the
    same rows again. So the statement itself inserts nothing of what is there already.
    """
    names = ", ".join(f'"{name}"' for name in TABLES[dataset][table])
    selects = []
    for landing in landings:
        select = f"select {names} from ({landing.select}) as src"
        if landing.deliveries:
            wanted = ", ".join(literal(delivery) for delivery in landing.deliveries)
            select += (
                f" where not exists (select 1 from {dataset}.{table}"
                f" where {landing.key} in ({wanted}))"
            )
        selects.append(select)
    # As text: dlt parses and rewrites statements, and this way DuckDB runs the query unchanged.
    query = f"select {names} from query({literal(' union all '.join(selects))}) as src"
    relation = reading.query(query, _execute_raw_query=True)

    def rows() -> Iterator[Any]:
        yield relation

    return rows
