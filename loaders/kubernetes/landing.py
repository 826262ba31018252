"""Lands collections: verified against their index, bad hours refused, the rest recorded."""

import json
from datetime import datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Final

import duckdb

from infraspend.loaders.batch import Part, Prepared, land_prepared
from infraspend.loaders.clock import utc_now
from infraspend.loaders.errors import InfraspendError, first_line
from infraspend.loaders.files import DataFile, verify_parquet
from infraspend.loaders.kubernetes.collection import (
    ARCHIVE,
    INDEX,
    REJECTS,
    TABLES,
    Collection,
    read_collection,
    unpack,
)
from infraspend.loaders.kubernetes.labels import label_key, label_text
from infraspend.loaders.open_location import at_hand, open_location
from infraspend.loaders.open_warehouse import open_warehouse
from infraspend.loaders.outcome import Outcome, reject_row
from infraspend.loaders.result import LoadResult, Progress, Step, silent
from infraspend.loaders.sql import label_of, literal, quoted, text_of, time_of
from infraspend.loaders.tables import TABLES as RAW_TABLES
from infraspend.loaders.warehouse import WarehouseLocation, checkpoint

DATASET: Final = "raw_kubernetes"

_SUFFIXES: Final = (".json", ".parquet", ".zip")

_NAMES: Final = {
    "container_hours": ("namespace", "pod"),
    "pods": ("namespace", "pod"),
    "namespaces": ("namespace",),
    "node_hours": ("node",),
    "volume_hours": ("volume",),
}
"""Table -> the columns that identify the subject of a row."""


def load(warehouse: WarehouseLocation, source: str, *, progress: Progress = silent) -> LoadResult:
    """Lands every collection found under a source that has not landed before.

    An hour of a cluster with a value that is no measurement (negative, not a number, infinite),
    or outside the collection's window, is refused whole and goes to `raw_kubernetes.rejects`; the
    collection's other hours land. What the tracker itself left out is listed there as well. A
    collection that has landed from the same location is not read again, not even its index.

    Args:
        warehouse: The DuckDB file, or the lake.
        source: A directory or `s3://` URL above the collections, at any depth.
        progress: Gets a line about each step.

    Returns:
        The collections that landed and that had landed before, the hours that were refused, and
        the rows that landed.

    Raises:
        InfraspendError: Nothing was found, or some collections did not load (they are named,
            after the others have landed).
    """
    location = open_location(source)
    with open_warehouse(warehouse) as opened:
        files = {file.name: file for file in location.files(lambda name: name.endswith(_SUFFIXES))}
        indexes = [
            file for name, file in files.items() if PurePosixPath(name).name in (INDEX, ARCHIVE)
        ]
        landed = opened.landed(DATASET)
        seen = set(opened.query(f"select index_file, index_version from {DATASET}.collections"))
        prepared: list[Prepared] = []
        outcome = Outcome(DATASET, progress)
        for number, index in enumerate(indexes, start=1):
            where = location.url(index.name)
            if (where, index.version) in seen:
                outcome.skipped += 1
                continue
            try:
                path = at_hand(location, index, opened.workbench)
                if path.name == ARCHIVE:
                    path = unpack(path, opened.workbench / "unpacked" / Path(index.name).parent)
                collection = read_collection(path)
                if collection.collection_id in landed:
                    outcome.skipped += 1
                    continue
                text = f"{number:,} of {len(indexes):,}: {collection.name}: verifying"
                progress(Step(text, number - 1, len(indexes)))
                for name in collection.names:
                    if file := files.get(str(PurePosixPath(index.name).with_name(name))):
                        at_hand(location, file, opened.workbench)
                folder = opened.workbench / f"kubernetes-{number:06}"
                with opened.scratch() as connection:
                    one = _prepare(connection, collection, folder, where, index.version)
                prepared.append(one)
                landed.add(collection.collection_id)
            except InfraspendError as error:
                outcome.fail(str(error))
                outcome.reject(where, str(error))
        checkpoint("collections_verified")
        if prepared:
            rows = sum(one.rows for one in prepared)
            progress(f"landing {rows:,} rows of {len(prepared)} collections")
            land_prepared(opened, prepared, outcome)
        opened.reject(DATASET, outcome.rejects)
    outcome.check(f"{len(outcome.failures)} collections")
    if not prepared and not outcome.skipped:
        raise InfraspendError(
            f"{source} holds no collection: looked for cluster=<name>/<hours>/{INDEX} and"
            f" {ARCHIVE}, which `infraspend track` writes"
        )
    return outcome.result()


def _prepare(
    connection: duckdb.DuckDBPyConnection,
    collection: Collection,
    folder: Path,
    index_file: str,
    index_version: str,
) -> Prepared:
    """Verifies a collection and writes its valid rows as they land."""
    folder.mkdir()
    tables = [table for table in TABLES if table in collection.files]
    files = {
        table: _verified_file(collection, table, folder / f"{table}.delivered", connection)
        for table in tables
    }
    try:
        delivered_rows = {
            table: _read(connection, collection, table, file) for table, file in files.items()
        }
        refused = _refused_hours(connection, files)
        left_out = _left_out(connection, collection, folder)
        parts = {table: _write(connection, collection, table, folder) for table in tables}
    except duckdb.Error as error:
        raise InfraspendError(
            f"{collection.directory} cannot be read ({first_line(error)}):"
            f" collect {collection.name} again"
        ) from error
    for table, rows in delivered_rows.items():
        if rows != collection.files[table].get("rows"):
            raise InfraspendError(
                f"{files[table].name} has {rows} rows and its index says"
                f" {collection.files[table].get('rows')}: collect {collection.name} again"
            )
    return Prepared(
        delivery=collection.collection_id,
        name=collection.name,
        file=index_file,
        parts=parts,
        ledger={
            "collection_id": collection.collection_id,
            "cluster": collection.cluster,
            "first_hour": collection.first_hour,
            "last_hour": collection.last_hour,
            "collected_at": collection.collected_at,
            "files": len(files),
            "rows": sum(part.rows for part in parts.values()),
            "bytes": sum(file.bytes for file in files.values()),
            "sha256": sha256("".join(file.sha256 for file in files.values()).encode()).hexdigest(),
            "landed_at": utc_now(),
            "index_file": index_file,
            "index_version": index_version,
        },
        refused=len(refused),
        rejects=[
            reject_row(
                DATASET, file, reason, row_number, cluster=collection.cluster, usage_hour=hour
            )
            for hour, file, row_number, reason in [*refused, *left_out]
        ],
    )


def _verified_file(
    collection: Collection, table: str, link: Path, connection: duckdb.DuckDBPyConnection
) -> DataFile:
    """A collection's file for a table, linked to from `link` and opened by `connection`.

    Raises:
        InfraspendError: The file is missing, or differs from its entry in the index.
    """
    expected = collection.files[table]
    path = collection.directory / str(expected.get("name"))
    if path.parent != collection.directory or not path.is_file():
        raise InfraspendError(f"{path} is not there: collect {collection.name} again")
    link.symlink_to(path.resolve())
    file = verify_parquet(str(path), link, connection)
    if (file.bytes, file.sha256) != (expected.get("bytes"), expected.get("sha256")):
        raise InfraspendError(
            f"{path} is not the file that was collected: collect {collection.name} again"
        )
    return file


def _read(
    connection: duckdb.DuckDBPyConnection, collection: Collection, table: str, file: DataFile
) -> int:
    """Creates a table of a file's rows, each with its problem, if any, and counts them."""
    kinds = dict(file.columns)
    columns = {name: kind for name, kind in RAW_TABLES[DATASET][table].items() if name[0] != "_"}
    optional = {name for name, kind in columns.items() if kind.startswith("decimal")}
    # Collections of earlier versions have it in `node_hours` only.
    optional |= {"provider_id"} if table == "container_hours" else set()
    if missing := sorted(columns.keys() - kinds.keys() - optional):
        raise InfraspendError(
            f"{file.name} has no column {', '.join(missing)}: collect {collection.name} again"
        )
    values = []
    problems = []
    for name, kind in columns.items():
        if name not in kinds:
            values.append(f"cast(null as {kind}) as {name}")
        elif name == "namespace":
            values.append(f"{label_of(text_of(name))} as namespace")
        elif kind == "timestamp":
            values.append(f"try_cast({time_of(name, kinds[name])} as timestamp) as {name}")
        else:
            is_typed = kinds[name].lower() == kind and kind not in ("varchar", "json")
            value = name if is_typed else f"try_cast({text_of(name)} as {kind})"
            values.append(f"{value} as {name}")
            if kind != "varchar":
                problems.append(_problem(name, kind, value))
    problems += [
        f"case when {label_of(text_of(name))} is null then '{name} is without a name' end"
        for name in _NAMES.get(table, ())
    ]
    window = f"{_moment(collection.first_hour)} and {_moment(collection.last_hour)}"
    hour = f"try_cast({time_of('usage_hour', kinds['usage_hour'])} as timestamp)"
    problems += [
        f"case when date_trunc('hour', {hour}) <> {hour} then 'usage_hour is no whole hour' end",
        f"case when {hour} not between {window}"
        " then 'usage_hour is outside the hours that were collected' end",
        f"case when {text_of('cluster')} is distinct from {literal(collection.cluster)}"
        " then 'cluster is not the one that was collected' end",
    ]
    connection.execute(
        f"create table {table} as select row_number() over () as row_number,"
        f" coalesce({', '.join(problems)}) as problem, {', '.join(values)}"
        f" from read_parquet({literal(str(file.path))})"
    )
    if "labels" in columns:
        _spell_labels(connection, table)
    lost = connection.execute(
        f"select min(row_number) from {table} where usage_hour is null"
    ).fetchone()
    if lost and lost[0] is not None:
        raise InfraspendError(
            f"{file.name}, row {lost[0]}: usage_hour is no time, so that its hour is unknown:"
            f" collect {collection.name} again"
        )
    return int(connection.execute(f"select count(*) from {table}").fetchall()[0][0])


def _spell_labels(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Normalises the keys of labels (`label_key`)."""
    found = connection.execute(f"select distinct labels from {table}").fetchall()
    spelled = {}
    for text in (str(labels) for (labels,) in found if labels):
        labels = json.loads(text)
        if isinstance(labels, dict) and any(label_key(key) != key for key in labels):
            spelled[text] = label_text(labels)
    if spelled:
        connection.execute(
            f"update {table} set labels = spelled.labels from"
            " (select unnest($before) as before, unnest($labels) as labels) as spelled"
            f" where cast({table}.labels as varchar) = spelled.before",
            {"before": list(spelled), "labels": list(spelled.values())},
        )


def _problem(name: str, kind: str, value: str) -> str:
    """An expression that says what is wrong with a value as it is read, or NULL."""
    text = text_of(name)
    cases = ""
    if value != name:
        cases += f" when {text} is not null and {value} is null"
        cases += f" then {literal(name)} || ' is ' || {text}"
    if kind != "json":
        cases += f" when {value} < 0 then {literal(name)} || ' is negative: ' || {text}"
    return f"case{cases} end"


def _refused_hours(
    connection: duckdb.DuckDBPyConnection, files: dict[str, DataFile]
) -> list[tuple[datetime, str, int, str]]:
    """The hours that are refused, with the first invalid row: its file, number, reason.

    An hour is refused in every table: a partial hour would be split as if it were whole.
    """
    blamed = " union all ".join(
        f"select date_trunc('hour', usage_hour) as usage_hour, row_number, problem,"
        f" {literal(files[table].name)} as file from {table} where problem is not null"
        for table in files
    )
    connection.execute(
        "create table refused as select usage_hour, arg_min(file, (file, row_number)) as file,"
        " arg_min(row_number, (file, row_number)) as row_number,"
        f" arg_min(problem, (file, row_number)) as problem from ({blamed}) group by usage_hour"
    )
    return connection.execute(
        "select usage_hour, file, row_number, problem from refused order by usage_hour"
    ).fetchall()


def _left_out(
    connection: duckdb.DuckDBPyConnection, collection: Collection, folder: Path
) -> list[tuple[datetime, str, int, str]]:
    """What the tracker left out of a collection: hour, file, row and reason."""
    if REJECTS not in collection.files:
        return []
    file = _verified_file(collection, REJECTS, folder / f"{REJECTS}.delivered", connection)
    return connection.execute(
        f"select usage_hour, {literal(file.name)}, row_number() over (), reason"
        f" from read_parquet({literal(str(file.path))})"
    ).fetchall()


def _write(
    connection: duckdb.DuckDBPyConnection, collection: Collection, table: str, folder: Path
) -> Part:
    file = folder / f"{table}.parquet"
    columns = ", ".join(
        quoted(name) for name in RAW_TABLES[DATASET][table] if name != "_collection_id"
    )
    copied = connection.execute(
        f"copy (select {literal(collection.collection_id)} as _collection_id, {columns}"
        f" from {table} where date_trunc('hour', usage_hour) not in"
        f" (select usage_hour from refused) order by row_number)"
        f" to {literal(str(file))} (format parquet)"
    )
    return Part(file, int(copied.fetchall()[0][0]))


def _moment(hour: datetime) -> str:
    return f"timestamp {literal(hour.isoformat(sep=' '))}"
