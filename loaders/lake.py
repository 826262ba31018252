"""A lake: the raw tables as Parquet files in a directory or a bucket, for Spark.

dlt's filesystem destination lays them out; everything else is as in a DuckDB file:

    <lake>/raw_aws_cur/line_items/billing_period=2026-10/assembly=<id>/<load>.<file>.parquet
    <lake>/<dataset>/<table>/<load>.<file>.parquet           every other table of `loaders.tables`
    <lake>/<dataset>/_dlt_loads/<dataset>__<load>.jsonl      the loads that are complete
    <lake>/_infraspend/                                      what only the loaders read

Every file has all columns of its table, in their order, and `_dlt_load_id`: times are plain UTC,
amounts exact decimals, JSON is text, and everything may be NULL. Each table has at least one file,
which may be empty, so that it can be read before anything has landed; for line items it lies in
`billing_period=none/assembly=none`. `<id>` is `folder_name` of the assembly's id; `_assembly_id`
has the id itself.

A delivery counts once its row is in the ledger (`assemblies`, `collections`, `deliveries`), which
is written last, in a load of its own. What may have to be undone is noted before it is written, in
`_infraspend/unfinished/`; so a run after a killed one reads a few notes and not the whole lake.
Files appear atomically. A reader of the deliveries in the ledger reads whole deliveries, also
during a load.

One run has a lake at a time: by a lock beside the directory, or in a bucket by a lease
(`loaders.lease`), which needs a store with S3's conditional writes. In a bucket, let a lifecycle
rule abort incomplete uploads after a day.

Every load adds a file to each table it fills. If there are many collections, load those of many
hours at once, not every hour: engines read few large files faster than many small ones.
"""

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import dlt
import duckdb
from dlt.pipeline.exceptions import PipelineStepFailed

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.lake_files import BucketFiles, DirectoryFiles, LakeFiles
from infraspend.loaders.lease import Lease
from infraspend.loaders.local import emptied, locked, private
from infraspend.loaders.raw_sources import SOURCES
from infraspend.loaders.sql import literal
from infraspend.loaders.tables import LEDGERS, LOAD_ID, PARTS, TABLES, Columns
from infraspend.loaders.warehouse import (
    LakeUrl,
    Landing,
    LandingError,
    Warehouse,
    by_table,
    checkpoint,
    database_message,
    delivery_key,
    nothing_for,
    what_to_migrate,
)

FILE_BYTES: Final = 128 << 20
"""The approximate size of the files of a large table."""

NONE: Final = "none"
"""The value of each partition of the empty file that defines a table's columns."""

_PARTITIONS: Final = {("raw_aws_cur", "line_items"): ("billing_period", "assembly")}
"""The tables that are divided into folders: the last partition is the delivery's."""

_ASKED_OFTEN: Final = frozenset(
    {"control_totals", "rejects", *(name for name, _ in LEDGERS.values())}
)
"""The small tables that loaders query often: read once."""


@dataclass(frozen=True)
class _Note:
    """What has to be undone, or deleted, if the run that does it does not end.

    Attributes:
        dataset: The dataset.
        tables: The tables it is about, in the order in which they lose their rows.
        deliveries: The deliveries it is about.
        load: The load that writes them; empty if they are to be deleted, whatever wrote them.
    """

    dataset: str
    tables: list[str]
    deliveries: list[str]
    load: str


@dataclass(frozen=True)
class Lake(Warehouse):
    """A lake, locked by this process.

    Attributes:
        url: Its URL.
        root: Its path in `files`.
        files: The storage it lies in.
    """

    url: str
    root: str
    files: LakeFiles
    _lease: Lease | None
    _memory: duckdb.DuckDBPyConnection = field(repr=False)
    _pipelines: dict[str, dlt.Pipeline] = field(default_factory=dict, repr=False)
    _partitions: dict[str, str] = field(default_factory=dict, repr=False)
    # (dataset, table, delivery) -> the load that brought it in this run.
    _brought: dict[tuple[str, str, str], str] = field(default_factory=dict, repr=False)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query; for small results."""
        for dataset, tables in TABLES.items():
            for table in tables:
                if re.search(rf"\b{dataset}\.{table}\b", sql):
                    self._show(dataset, table)
        return self._memory.execute(sql, parameters).fetchall()

    def rows_of(self, dataset: str, table: str, deliveries: Sequence[str]) -> str:
        """A table expression of the rows of some deliveries."""
        ids = ", ".join(literal(delivery) for delivery in deliveries)
        source = self._reader(self._files_of(dataset, table, deliveries), TABLES[dataset][table])
        return f"(from {source} where {delivery_key(dataset, table)} in ({ids}))"

    def land(self, dataset: str, landings: Iterable[Landing]) -> None:
        """Runs a load for each folder of a table that it fills, and a last one for the ledger."""
        ledger, _ = LEDGERS[dataset]
        new = [landing for landing in landings if not self._is_there(dataset, landing)]
        of_table = by_table(new)
        recorded = of_table.pop(ledger, [])
        for is_last, some in ((False, of_table.values()), (True, [recorded])):
            for together in zip_longest(*some):
                checkpoint("ledger_to_come" if is_last else "rows_to_come")
                load = [landing for landing in together if landing]
                # What is loaded for the ledger alone names no delivery of its own.
                self._load(dataset, load, _deliveries(load) or _deliveries(new))

    def discard(self, dataset: str, tables: Sequence[str], deliveries: Sequence[str]) -> None:
        """Deletes deliveries from some tables, completely even if this run is killed meanwhile."""
        if not any(self._files_of(dataset, table, deliveries) for table in tables):
            return
        note = _Note(dataset, list(tables), list(deliveries), "")
        path = self._write_note(note)
        checkpoint("discard_noted")
        self._take_out(note)
        self.files.remove([path])

    def open_scratch(self) -> duckdb.DuckDBPyConnection:
        """Opens a database in memory, which can read the lake's files."""
        connection = super().open_scratch()
        _let_read(connection, self.files)
        return connection

    def _show(self, dataset: str, table: str) -> None:
        """Creates a table that a query can name: read once, or a view of the present files."""
        if self._is_remembered(dataset, table):
            return
        kind = "table" if table in _ASKED_OFTEN else "view"
        paths = self._paths(dataset, table)
        source = self._reader(paths, TABLES[dataset][table])
        self._memory.execute(f"create or replace {kind} {dataset}.{table} as from {source}")

    def _is_remembered(self, dataset: str, table: str) -> bool:
        known = self._memory.execute(
            "select 1 from information_schema.tables"
            " where table_schema = ? and table_name = ? and table_type = 'BASE TABLE'",
            [dataset, table],
        )
        return known.fetchone() is not None

    def _remember(self, dataset: str, table: str, files: Iterable[Path]) -> None:
        """Adds newly landed rows to a table that was read before."""
        if self._is_remembered(dataset, table):
            landed = f"read_parquet([{', '.join(_as_pattern(str(file)) for file in files)}])"
            self._memory.execute(f"insert into {dataset}.{table} by name from {landed}")

    def _forget(self, dataset: str, table: str) -> None:
        if self._is_remembered(dataset, table):
            self._memory.execute(f"drop table {dataset}.{table}")

    def _paths(self, dataset: str, table: str, below: str = "") -> list[str]:
        prefix = f"{self.root}/{dataset}/{table}/{below}"
        return [path for path in self.files.below(prefix) if path.endswith(".parquet")]

    def _reader(self, paths: Sequence[str], columns: Columns) -> str:
        """A table expression that reads some files of a table."""
        nulls = ", ".join(
            f'cast(null as {kind}) as "{name}"'
            for name, kind in (columns | {LOAD_ID: "varchar"}).items()
        )
        nothing = f"select {nulls} where false"
        if not paths:
            return f"({nothing})"
        if isinstance(self.files, BucketFiles):
            listed = ", ".join(literal(f"{self.files.protocol}://{path}") for path in paths)
        else:
            listed = ", ".join(map(_as_pattern, paths))
        # Files of earlier versions may lack a column.
        return (
            f"({nothing} union all by name"
            f" from read_parquet([{listed}], union_by_name = true, hive_partitioning = false))"
        )

    def _files_of(self, dataset: str, table: str, deliveries: Sequence[str]) -> list[str]:
        """The files that may have rows of some deliveries."""
        if (dataset, table) in _PARTITIONS:
            wanted = {folder_name(delivery) for delivery in deliveries}
            return [path for path in self._paths(dataset, table) if _delivery_of(path) in wanted]
        loads = {self._brought.get((dataset, table, delivery), "") for delivery in deliveries}
        if "" in loads:
            return self._paths(dataset, table)
        return [
            path for load in sorted(loads) for path in self._files_of_load(dataset, table, load)
        ]

    def _files_of_load(self, dataset: str, table: str, load: str) -> list[str]:
        is_flat = (dataset, table) not in _PARTITIONS
        paths = self._paths(dataset, table, load if is_flat else "")
        return [path for path in paths if f"/{load}." in path]

    def _is_there(self, dataset: str, landing: Landing) -> bool:
        """Whether one of a landing's deliveries has landed, or came earlier in this run."""
        if not landing.deliveries:
            return False
        return not self.landed(dataset).isdisjoint(landing.deliveries) or any(
            (dataset, landing.table, delivery) in self._brought for delivery in landing.deliveries
        )

    def _load(
        self, dataset: str, landings: Sequence[Landing], deliveries: Sequence[str] = ()
    ) -> None:
        """Runs a load that is undone if one of the deliveries is never recorded."""
        if self._lease:
            self._lease.check()
        self._partitions.clear()
        for landing in landings:
            parts = (f"{name}={folder_name(value)}/" for name, value in landing.partition.items())
            self._partitions[landing.table] = "".join(parts)
        pipeline = self._pipeline(dataset)
        folder = self.workbench / "lake"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            rows = {landing.table: self._rows(dataset, landing, folder) for landing in landings}
            source = SOURCES[dataset](rows)
            for resource in source.resources.values():
                # dlt adds it to rows, and not to files.
                resource.apply_hints(columns=[{"name": LOAD_ID, "data_type": "text"}])
            extracted = pipeline.extract(source, loader_file_format="parquet")
            pipeline.normalize()
        except PipelineStepFailed as failure:
            pipeline.abort_packages()
            raise LandingError(database_message(failure)) from failure
        (load,) = extracted.loads_ids
        tables = [landing.table for landing in landings]
        note = _Note(dataset, tables, list(deliveries), load)
        path = self._write_note(note)
        checkpoint("files_written")
        try:
            pipeline.load()
        except PipelineStepFailed as failure:
            # Not left pending: dlt would retry it before anything else, for ever.
            pipeline.abort_packages()
            self._take_back(note)
            self.files.remove([path])
            raise LandingError(database_message(failure)) from failure
        for landing in landings:
            self._remember(dataset, landing.table, (folder / landing.table).iterdir())
            for delivery in landing.deliveries:
                self._brought[dataset, landing.table, delivery] = load

    def _rows(self, dataset: str, landing: Landing, folder: Path) -> Callable[[], Iterator[Any]]:
        """What yields the rows of a landing: Parquet files, which dlt moves unchanged."""

        def files() -> Iterator[Any]:
            load = dlt.current.load_package_state()["load_id"]
            to = folder / landing.table
            values = ", ".join(
                f'cast("{name}" as varchar) as "{name}"' if kind == "json" else f'"{name}"'
                for name, kind in TABLES[dataset][landing.table].items()
            )
            with self.open_scratch() as connection:
                # DuckDB writes a column as never NULL where it knows that, and dlt would write the
                # file again.
                connection.execute("set disabled_optimizers = 'statistics_propagation'")
                # The order of lines has no meaning, and preserving it takes memory.
                connection.execute("set preserve_insertion_order = false")
                connection.execute(
                    f"copy (select {values}, {literal(load)} as {LOAD_ID}"
                    f" from ({landing.select}) as src) to {literal(str(to))}"
                    f" (format parquet, compression zstd, file_size_bytes {FILE_BYTES})"
                )
            for file in sorted(to.iterdir()):
                yield dlt.mark.with_file_import(str(file), "parquet")

        return files

    def _pipeline(self, dataset: str) -> dlt.Pipeline:
        if dataset not in self._pipelines:
            self._pipelines[dataset] = dlt.pipeline(
                dataset,
                pipelines_dir=str(self.workbench / "dlt"),
                destination=dlt.destinations.filesystem(
                    f"{self.files.protocol}://{self.root}",
                    kwargs=self.files.shared,
                    layout="{table_name}/{partition}{load_id}.{file_id}.{ext}",
                    extra_placeholders={"partition": self._partition},
                ),
                dataset_name=dataset,
            )
        return self._pipelines[dataset]

    def _partition(self, _schema: str, table: str, _load: str, _file: str, _ext: str) -> str:
        return self._partitions.get(table, "")

    # What is unfinished

    def _write_note(self, note: _Note) -> str:
        """Notes what is to be undone, or deleted, and returns the note's path."""
        path = f"{self.root}/_infraspend/unfinished/{time.time_ns()}.json"
        self.files.pipe_file(path, json.dumps(asdict(note)).encode())
        return path

    def _settle(self) -> None:
        """Deletes incomplete deliveries, and those that were to be deleted."""
        # The newest first: unfinished rows of a ledger prove nothing.
        for path in reversed(self.files.below(f"{self.root}/_infraspend/unfinished/")):
            note = _Note(**json.loads(self.files.cat_file(path)))
            if not note.load:
                self._take_out(note)
            elif not self._is_complete(note):
                self._take_back(note)
            elif unrecorded := sorted(set(note.deliveries) - self.landed(note.dataset)):
                if len(unrecorded) == len(note.deliveries):
                    self._take_back(note)
                else:
                    named = [name for name in note.tables if name in _named(note.dataset)]
                    self._take_out(replace(note, tables=named, deliveries=unrecorded))
            self.files.remove([path])

    def _is_complete(self, note: _Note) -> bool:
        path = f"{self.root}/{note.dataset}/_dlt_loads/{note.dataset}__{note.load}.jsonl"
        return self.files.exists(path)

    def _take_back(self, note: _Note) -> None:
        """Deletes the files that a load wrote."""
        for table in note.tables:
            self.files.remove(self._files_of_load(note.dataset, table, note.load))
            self._forget(note.dataset, table)
        self._bring_no_more(note)

    def _take_out(self, note: _Note) -> None:
        """Deletes deliveries from the files that have them."""
        for table in note.tables:
            if note.load:
                paths = self._files_of_load(note.dataset, table, note.load)
            else:
                paths = self._files_of(note.dataset, table, note.deliveries)
            if (note.dataset, table) in _PARTITIONS:
                self.files.remove(paths)
            else:
                for path in paths:
                    self._rewrite(note, table, path)
            self._forget(note.dataset, table)
        self._bring_no_more(note)

    def _rewrite(self, note: _Note, table: str, path: str) -> None:
        """Rewrites a file without these deliveries, if it has any of them."""
        ids = ", ".join(literal(delivery) for delivery in note.deliveries)
        is_deleted = f"coalesce({delivery_key(note.dataset, table)} in ({ids}), false)"
        with self.open_scratch() as connection:
            source = self._reader([path], TABLES[note.dataset][table])
            ((mine, others),) = connection.execute(
                f"select count(*) filter (where {is_deleted}),"
                f" count(*) filter (where not {is_deleted}) from {source}"
            ).fetchall()
            if mine and not others:
                self.files.remove([path])
            elif mine:
                kept = self.workbench / "kept.parquet"
                connection.execute("set disabled_optimizers = 'statistics_propagation'")
                connection.execute(
                    f"copy (from {source} where not {is_deleted}) to {literal(str(kept))}"
                    " (format parquet, compression zstd)"
                )
                self.files.put_file(str(kept), path)

    def _bring_no_more(self, note: _Note) -> None:
        for table in note.tables:
            for delivery in note.deliveries:
                self._brought.pop((note.dataset, table, delivery), None)

    def _create_missing_tables(self) -> None:
        path = f"{self.root}/_infraspend/tables.json"
        try:
            present = json.loads(self.files.cat_file(path))
        except FileNotFoundError:
            present = {}
        found = [
            (dataset, table, column, kind)
            for dataset, tables in present.items()
            for table, columns in tables.items()
            for column, kind in {**columns, LOAD_ID: "varchar"}.items()
        ]
        for dataset in what_to_migrate(self.url, found, None):
            self._load(dataset, [_empty(dataset, table) for table in TABLES[dataset]])
        if present != TABLES:
            self.files.pipe_file(path, json.dumps(TABLES).encode())


@contextmanager
def open_lake(location: LakeUrl) -> Iterator[Lake]:
    """Opens a lake, created if missing, with every raw table and no incomplete delivery.

    Raises:
        InfraspendError: Another run has the lake, or it cannot be reached or written to.
    """
    locked = _locked_bucket if location.url.startswith("s3://") else _locked_directory
    with locked(location.url) as (url, root, files, lease, workbench), duckdb.connect() as memory:
        _let_read(memory, files)
        for dataset in TABLES:
            memory.execute(f"create schema {dataset}")
        lake = Lake(workbench, url, root, files, lease, memory)
        try:
            lake._settle()
            lake._create_missing_tables()
        except (duckdb.Error, LandingError, ValueError) as error:
            raise InfraspendError(f"{url} cannot be opened: {database_message(error)}") from error
        yield lake
        # The next opening cleans up after any error.
        lake._settle()


@contextmanager
def read_lake(location: LakeUrl) -> Iterator[Lake]:
    """Opens a lake read-only: takes no lock and writes nothing.

    What a running or killed load has not recorded is in no ledger yet.

    Raises:
        InfraspendError: Nothing was loaded yet, or the lake cannot be reached.
    """
    if location.url.startswith("s3://"):
        bucket, prefix = _bucket_and_prefix(location.url)
        url, root, files = location.url, f"{bucket}/{prefix}".rstrip("/"), BucketFiles()
    else:
        path = _directory(location.url)
        url, root, files = str(path), str(path), DirectoryFiles(os.devnull)
    with tempfile.TemporaryDirectory(prefix="infraspend-") as unused, duckdb.connect() as memory:
        if not files.exists(f"{root}/_infraspend/tables.json"):
            raise InfraspendError(
                f"{location.url}: nothing was loaded yet; load a bill first: "
                "infraspend --engine spark load aws-cur --from DIR"
            )
        _let_read(memory, files)
        for dataset in TABLES:
            memory.execute(f"create schema {dataset}")
        yield Lake(Path(unused), url, root, files, None, memory)


_Opened = tuple[str, str, LakeFiles, Lease | None, Path]


@contextmanager
def _locked_directory(url: str) -> Iterator[_Opened]:
    """A locked directory: its name, its root, its files, no lease, a workbench."""
    path = _directory(url)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f"{path.name}.lock")
    busy = f"{path} is being loaded by another run: wait for it to end, then run this again"
    with locked(lock, busy), private():
        # Beside the lake, so that files move in without being copied.
        workbench = emptied(path.with_name(f"{path.name}.landing"))
        try:
            arriving = emptied(path / "_infraspend" / "arriving")
            yield str(path), str(path), DirectoryFiles(str(arriving)), None, workbench
        finally:
            shutil.rmtree(workbench, ignore_errors=True)


@contextmanager
def _locked_bucket(url: str) -> Iterator[_Opened]:
    """A part of a bucket, locked by a lease."""
    bucket, prefix = _bucket_and_prefix(url)
    files = BucketFiles()
    below = f"{prefix}/" if prefix else ""
    with (
        Lease(files.client, bucket, f"{below}_infraspend/lease.json").acquired(url) as lease,
        tempfile.TemporaryDirectory(prefix="infraspend-") as workbench,
    ):
        yield url, f"{bucket}/{below}".rstrip("/"), files, lease, Path(workbench)


def _directory(url: str) -> Path:
    """The directory that a path or a file:// URL names."""
    parsed = urlsplit(url)
    if "://" in url and parsed.scheme != "file":
        raise InfraspendError(
            f"{parsed.scheme}:// cannot hold a lake: --lake takes a directory, a file:// URL or an"
            " s3:// URL"
        )
    return Path(unquote(parsed.path) if "://" in url else url).absolute()


def _bucket_and_prefix(url: str) -> tuple[str, str]:
    """The bucket and the prefix that an s3:// URL names."""
    parsed = urlsplit(url)
    if "@" in parsed.netloc or parsed.query or not parsed.netloc:
        raise InfraspendError(
            "--lake takes s3://<bucket>/<prefix> and nothing else in the URL: credentials come"
            " from AWS's own environment variables, profiles and roles"
        )
    return parsed.netloc, unquote(parsed.path).strip("/")


def folder_name(delivery: str) -> str:
    """A delivery's id as the name of a folder: the id itself if it is plain, and always unique.

    Programs differ in how they encode characters other than lower-case letters, digits, dots and
    hyphens in the name of a folder. The empty id is `none`.
    """
    if not delivery:
        return NONE
    if re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,99}", delivery) and delivery != NONE:
        return delivery
    plain = re.sub(r"[^a-z0-9.-]+", "-", delivery.lower()).strip("-.")[:80] or "id"
    return f"{plain}_{sha256(delivery.encode()).hexdigest()[:16]}"


def _let_read(connection: duckdb.DuckDBPyConnection, files: LakeFiles) -> None:
    """Lets DuckDB read the files of a lake in a bucket; it reads those of a directory by itself."""
    if isinstance(files, BucketFiles):
        connection.register_filesystem(files)


def _as_pattern(path: str) -> str:
    """A path as a SQL literal with [ * ? escaped, because DuckDB takes it for a pattern."""
    return literal(re.sub(r"([\[*?])", r"[\1]", path))


def _deliveries(landings: Iterable[Landing]) -> list[str]:
    return sorted({delivery for landing in landings for delivery in landing.deliveries})


def _named(dataset: str) -> set[str]:
    """The tables whose rows name their delivery."""
    ledger, _ = LEDGERS[dataset]
    return {ledger, *PARTS[dataset]}


def _delivery_of(path: str) -> str:
    """The folder name of the delivery that a file of a partitioned table belongs to."""
    return path.rsplit("/", 2)[-2].partition("=")[2]


def _empty(dataset: str, table: str) -> Landing:
    """No rows, in a file that defines the columns."""
    nothing = nothing_for(table, TABLES[dataset][table])
    return replace(nothing, partition=dict.fromkeys(_PARTITIONS.get((dataset, table), ()), ""))
