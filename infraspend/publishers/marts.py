"""Publishes the marts: one DuckDB file with all of them, and each as Parquet.

The file has the exact marts in its schema `marts` and again, as views, under their plain names, so
that `show tables` lists them; the schema `rounded` has them with amounts to the cent, for display;
the schema `analyses` has the project's analyses as views; the table `build` says what the marts
were built from, the table `metrics` defines each metric, as SQL. Parquet is a file for each mart,
or a folder with a folder for each month of the bill (`billing_period=2026-10/`) or of the usage
(`usage_month=2026-10/`), as Athena, Spark and pandas know them.

The warehouse stays private: a DuckDB file has one writer or many readers, and its marts are
half-built while a build runs. Readers get a copy of new files, each of which replaces an old one
atomically. A reader with an old file open continues to read it unchanged.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from importlib.metadata import version
from pathlib import Path

import duckdb

from infraspend.builder import records
from infraspend.builder.records import opened
from infraspend.builder.spark import SHOWN
from infraspend.loaders.clock import utc_now
from infraspend.loaders.errors import InfraspendError, first_line
from infraspend.loaders.local import emptied, locked
from infraspend.loaders.result import Progress, Step, silent
from infraspend.loaders.sql import literal, quoted
from infraspend.projects import package_of, read_yml
from infraspend.publishers import DATABASE_NAME as DATABASE_NAME
from infraspend.publishers import MONTHS
from infraspend.publishers.currency import currency_of
from infraspend.publishers.metrics import MONEY, Metric, read_metrics
from infraspend.publishers.queries import Analysis, read_analyses

_MARTS_FOLDER = "marts"
_ASIDE = ".publishing-"
_LOCK = ".publishing.lock"
_MONTH_FILE = re.compile(rf"({'|'.join(MONTHS)})=[^/]+/data_\d+\.parquet")
# So that DuckDB 1.2 and later can read it: BI tools upgrade more slowly than this project.
_STORAGE_VERSION = "v1.2.0"
_VERSIONS = ("infraspend", "dbt-core", "duckdb")
_BUILD_COLUMNS = {
    "published_at": "When the file was written, UTC.",
    "infraspend_version": "The version of Infraspend that published it.",
    "dbt_version": "The version of dbt-core.",
    "duckdb_version": "The version of DuckDB.",
    "models": "How many models were built.",
    "tests_passed": "How many data tests passed on them since they were built.",
    "made_from": "SHA-256 of loads, project and seeds; NULL if only dbt itself was run.",
    "code": "The git commit of the project, `-dirty` if files differ from it; NULL without git.",
}
_METRIC_COLUMNS = {
    "metric": ("varchar primary key", "Its name."),
    "label": ("varchar not null", "Its name for display."),
    "description": ("varchar not null", "What it means."),
    "unit": ("varchar not null", "Its unit; of money the code of its currency."),
    "mart": ("varchar not null", "The mart that it is computed from."),
    "value_sql": ("varchar not null", "Its value: an aggregate over rows of the mart."),
    "numerator": ("varchar", "The numerator of a ratio; NULL for a sum."),
    "denominator": ("varchar", "The denominator of a ratio; NULL for a sum."),
    "time_sql": ("varchar not null", "The day of a row, UTC, or the first day of its month."),
    "grain": ("varchar not null", "The shortest span that it can be queried by: day or month."),
    "dimensions": ("varchar[] not null", "The columns of the mart that it can be queried by."),
    "within": ("varchar[] not null", "Dimensions over whose values it does not add up."),
    "not_by": ("varchar[] not null", "Dimensions that it cannot be queried by."),
}
_MOST_IN_AN_INDEX = 1_000_000
"""The most rows of a mart with a primary key: building its index takes memory."""

# A dashboard's query for a label then reads a few row groups and not all of them.
_SORTED_BY = {"daily_spend": "lyft_label, usage_date"}


@dataclass(frozen=True)
class Published:
    """What was published.

    Attributes:
        database: The DuckDB file that holds every mart in its schema `marts`.
        parquet: The Parquet file of each mart, or its folder with a folder for each month.
        rows: How many rows each mart has, by the mart's name.
    """

    database: Path
    parquet: tuple[Path, ...]
    rows: dict[str, int]


def publish(
    warehouse: Path,
    to: Path,
    progress: Progress = silent,
    project: Path | None = None,
) -> Published:
    """Copies the marts of a warehouse to their readers.

    Args:
        warehouse: A warehouse of which everything was built, and tested since.
        to: The directory to publish to; created if missing.
        progress: Gets a line about every mart.
        project: The root of the dbt project, whose analyses are published as views.

    Returns:
        What was published.

    Raises:
        InfraspendError: Something failed, was not tested since it was built, or was never
            built; or the directory cannot be written.
    """
    marts = proven_marts(warehouse)
    database = to / DATABASE_NAME
    if database.exists() and database.samefile(warehouse):
        raise InfraspendError(
            f"{database} is the warehouse itself; name another directory with --to"
        )
    with written_aside(to) as folder:
        (to / _MARTS_FOLDER).mkdir(exist_ok=True)
        rows = _write(warehouse, marts, folder, progress, project)
        before = _marts_in(database)
        parquet = tuple(replace_parquet(mart, folder, to / _MARTS_FOLDER) for mart in marts)
        _replace(folder / DATABASE_NAME, database)
        for mart in before - set(marts):
            _remove(to / _MARTS_FOLDER / mart)
            _remove(to / _MARTS_FOLDER / f"{mart}.parquet")
    return Published(database=database, parquet=parquet, rows=rows)


@contextmanager
def written_aside(to: Path) -> Iterator[Path]:
    """A directory to write new files in, beside those whose place they are to take.

    Args:
        to: The directory to publish to; made where it is missing.

    Raises:
        InfraspendError: Another run publishes there, or it cannot be written.
    """
    busy = f"{to} is being published to by another run: wait for it to end"
    try:
        to.mkdir(parents=True, exist_ok=True)
        with locked(to / _LOCK, busy):
            for left in to.glob(f"{_ASIDE}*"):
                # A run was killed.
                shutil.rmtree(emptied(left))
            # On the same file system as the old files, or they could not be replaced in one step.
            with tempfile.TemporaryDirectory(prefix=_ASIDE, dir=to) as folder:
                yield Path(folder)
    except (OSError, duckdb.Error) as error:
        raise InfraspendError(f"{to}: cannot publish here ({first_line(error)})") from error


def proven_marts(warehouse: Path) -> tuple[str, ...]:
    """The marts of a warehouse.

    Args:
        warehouse: A warehouse in which dbt ran.

    Raises:
        InfraspendError: One was not built, or not every test passed since.
    """
    unproven = records.unproven(warehouse)
    if unproven is None:
        reason = "was never built"
    elif unproven:
        first = unproven[0]
        reason = f"is not proven ({len(unproven):,} reasons, the first: {first.name}: {first.why})"
    elif not _is_as_built(warehouse):
        reason = "was rebuilt by dbt itself since"
    else:
        return records.marts(warehouse)
    raise InfraspendError(
        f"{warehouse} {reason}, so nothing was published; run infraspend build and publish again"
    )


def _is_as_built(warehouse: Path) -> bool:
    """Whether the files that Spark wrote still exist: what it built is shown as views of them."""
    with opened(warehouse, read_only=True) as connection:
        views = connection.execute(
            "select schema_name || '.' || view_name from duckdb_views() "
            "where database_name = 'warehouse' and schema_name in $shown",
            {"shown": [*SHOWN]},
        ).fetchall()
        try:
            for (view,) in views:
                connection.execute(f"select 1 from warehouse.{view} limit 0")
        except duckdb.IOException:
            return False
    return True


def _write(
    warehouse: Path,
    marts: Collection[str],
    folder: Path,
    progress: Progress,
    project: Path | None,
) -> dict[str, int]:
    """Writes every mart into new files; returns how many rows each one has."""
    rows = {}
    with opened(warehouse, read_only=True) as connection:
        connection.execute(
            f"attach {literal(str(folder / DATABASE_NAME))} as published "
            # No log beside it: it is a file once it is whole.
            f"(storage_version '{_STORAGE_VERSION}', recovery_mode no_wal_writes)"
        )
        connection.execute("create schema published.marts")
        for number, mart in enumerate(marts, start=1):
            progress(Step(f"{number} of {len(marts)}: {mart}", number - 1, len(marts)))
            order = f" order by {_SORTED_BY[mart]}" if mart in _SORTED_BY else ""
            connection.execute(
                f"create table published.marts.{mart} as from warehouse.marts.{mart}{order}"
            )
            (rows[mart],) = connection.execute(
                f"select count(*) from published.marts.{mart}"
            ).fetchone() or (0,)
            _write_parquet(connection, mart, folder, rows[mart])
            if project is not None:
                _write_key(connection, mart, project, rows[mart])
        for statement in _comments(connection):
            connection.execute(statement)
        _write_views(connection, marts)
        if project is not None:
            _write_analyses(connection, read_analyses(project, marts, progress), progress)
            _write_metrics(connection, read_metrics(project, marts, progress))
        made_from = records.setting(warehouse, records.BUILT_FROM)
        _write_build(connection, made_from, _commit_of(project) if project else None)
        # Writes what is still in memory into the file.
        connection.execute("detach published")
    return rows


def _write_parquet(
    connection: duckdb.DuckDBPyConnection, mart: str, folder: Path, rows: int
) -> None:
    """Writes a mart as one Parquet file, or as a folder for each month."""
    options = "format parquet, compression zstd"
    there = connection.execute(
        "select column_name from duckdb_columns() where database_name = 'published'"
        " and schema_name = 'marts' and table_name = ?",
        [mart],
    ).fetchall()
    month = next((name for name in MONTHS if (name,) in there), None)
    if month and rows:
        to, options = folder / mart, f"{options}, partition_by ({month})"
    else:
        to = folder / f"{mart}.parquet"
    connection.execute(f"copy published.marts.{mart} to {literal(str(to))} ({options})")


def _write_key(connection: duckdb.DuckDBPyConnection, mart: str, project: Path, rows: int) -> None:
    """The key of a mart's rows, as constraints: the columns of its test `one_row_per`.

    Every column that is always there is NOT NULL; where all are, they are the primary key, unless
    its index would be too large.
    """
    path = package_of(project) / "models" / "marts" / f"{mart}.yml"
    if not path.is_file():
        return
    (model,) = read_yml(path)["models"]
    for test in model.get("data_tests", ()):
        if isinstance(test, dict) and "one_row_per" in test:
            key = test["one_row_per"]["arguments"]
            nullable = key.get("nullable", ())
            change = f"alter table published.marts.{mart}"
            for column in key["columns"]:
                if column not in nullable:
                    connection.execute(f"{change} alter column {quoted(column)} set not null")
            if not nullable and rows <= _MOST_IN_AN_INDEX:
                columns = ", ".join(map(quoted, key["columns"]))
                connection.execute(f"{change} add primary key ({columns})")


def _write_analyses(
    connection: duckdb.DuckDBPyConnection, analyses: Iterable[Analysis], progress: Progress
) -> None:
    """The schema `analyses`: a view of each."""
    connection.execute("use published")
    connection.execute("create schema analyses")
    for analysis in analyses:
        try:
            connection.execute(f"create view analyses.{analysis.name} as\n{analysis.sql}")
        except duckdb.Error as error:
            progress(f"analysis {analysis.name} is not published: {first_line(error)}")
        else:
            connection.execute(
                f"comment on view analyses.{analysis.name} is {literal(analysis.description)}"
            )
    connection.execute("use memory")


def _write_views(connection: duckdb.DuckDBPyConnection, marts: Iterable[str]) -> None:
    """Views of every mart: exact under its plain name, and with amounts to the cent."""
    connection.execute("use published")
    connection.execute("create schema rounded")
    for mart in marts:
        connection.execute(f"create view {mart} as from marts.{mart}")
        amounts = connection.execute(
            "select column_name from duckdb_columns() where database_name = 'published'"
            " and schema_name = 'marts' and table_name = ?"
            " and (data_type in ('DECIMAL(38,18)', 'DECIMAL(38,20)')"
            " or column_name = 'cost_to_come' or column_name like '%\\_cost' escape '\\')",
            [mart],
        ).fetchall()
        cents = ", ".join(f'cast("{name}" as decimal(18, 2)) as "{name}"' for (name,) in amounts)
        replaced = f" replace ({cents})" if cents else ""
        connection.execute(f"create view rounded.{mart} as select *{replaced} from marts.{mart}")
    connection.execute("use memory")


def _commit_of(project: Path) -> str | None:
    """The git commit of a project's files; None if it is in no repository, or git is missing."""
    answers = []
    for question in (
        # The folder may be in the repository of something else.
        ("ls-files", "--error-unmatch", "dbt_project.yml"),
        ("describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"),
    ):
        try:
            asked = subprocess.run(
                ("git", *question), cwd=project, capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            return None
        answers.append("" if asked.returncode else asked.stdout.strip())
    return answers[-1] if all(answers) else None


def _write_build(
    connection: duckdb.DuckDBPyConnection, made_from: str | None, code: str | None
) -> None:
    """The table `build`, one row: when, by which versions, from what, and what was tested."""
    versions = [version(name) for name in _VERSIONS]
    connection.execute(
        """
        create table published.main.build as
        select
            $published_at::timestamp as published_at,
            $infraspend as infraspend_version,
            $dbt as dbt_version,
            $duckdb as duckdb_version,
            count(distinct node) filter (where resource_type = 'model') as models,
            count(distinct node) filter (where resource_type = 'test') as tests_passed,
            $made_from as made_from,
            $code as code
        from warehouse.pipeline.nodes
        """,
        {
            "published_at": utc_now().replace(microsecond=0),
            **dict(zip(("infraspend", "dbt", "duckdb"), versions, strict=True)),
            "made_from": made_from,
            "code": code,
        },
    )
    for name, text in _BUILD_COLUMNS.items():
        connection.execute(f"comment on column published.main.build.{name} is {literal(text)}")
    connection.execute(
        "comment on table published.main.build is"
        " 'One row: what the marts of this file were built from, and by which versions;"
        " the mart build_inputs has the deliveries.'"
    )


def _write_metrics(connection: duckdb.DuckDBPyConnection, metrics: Iterable[Metric]) -> None:
    """The table `metrics`, a row for each."""
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in _METRIC_COLUMNS.items())
    connection.execute(f"create table published.main.metrics ({columns})")
    places = ", ".join("?" for _ in _METRIC_COLUMNS)
    for metric in metrics:
        if MONEY in metric.unit:
            connection.execute("use published")
            unit = metric.unit.replace(MONEY, currency_of(connection))
            connection.execute("use memory")
            metric = replace(metric, unit=unit)
        row = [list(value) if isinstance(value, tuple) else value for value in astuple(metric)]
        connection.execute(f"insert into published.main.metrics values ({places})", row)
    for name, (_, text) in _METRIC_COLUMNS.items():
        connection.execute(f'comment on column published.main.metrics."{name}" is {literal(text)}')
    connection.execute(
        "comment on table published.main.metrics is"
        " 'What each metric is, as SQL on one mart; docs/metrics.md says how to ask.'"
    )


def _comments(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The statements that give the published tables the comments of the warehouse's."""
    tables = connection.execute(
        """
        with there as (
            select schema_name, table_name, comment
            from duckdb_tables()
            where database_name = 'warehouse'
            union all
            -- Spark's marts are views.
            select schema_name, view_name as table_name, comment
            from duckdb_views()
            where database_name = 'warehouse'
        )
        select there.table_name, there.comment
        from there
        inner join duckdb_tables() as here using (schema_name, table_name)
        where here.database_name = 'published' and there.comment is not null
        """
    ).fetchall()
    columns = connection.execute(
        """
        select there.table_name, there.column_name, there.comment
        from duckdb_columns() as there
        inner join duckdb_columns() as here using (schema_name, table_name, column_name)
        where there.database_name = 'warehouse' and here.database_name = 'published'
            and there.comment is not null
        """
    ).fetchall()
    return [
        *(f"comment on table published.marts.{table} is {literal(text)}" for table, text in tables),
        *(
            f'comment on column published.marts.{table}."{column}" is {literal(text)}'
            for table, column, text in columns
        ),
    ]


def _marts_in(database: Path) -> set[str]:
    """The marts that were published before, by name."""
    if not database.exists():
        return set()
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            found = connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'marts'"
            ).fetchall()
    except duckdb.Error:
        # Another program has it open for writing, or damaged it: no file is known to be ours.
        return set()
    return {name for (name,) in found}


def replace_parquet(mart: str, folder: Path, marts: Path) -> Path:
    """Puts a mart's new Parquet in the place of the old, whatever that was.

    Args:
        mart: The name of the file, without its ending, or of the folder.
        folder: Where the new one was written.
        marts: Where it goes.

    Returns:
        Where it is now.

    Raises:
        InfraspendError: In its place is a folder with other files than Parquet by month.
    """
    new, other = folder / mart, marts / f"{mart}.parquet"
    if not new.is_dir():
        new, other = folder / f"{mart}.parquet", marts / mart
        _replace(new, marts / new.name)
    else:
        for path in new.rglob("*.parquet"):
            _sync(path)
        if (marts / mart).exists():
            _check_is_ours(marts / mart)
            (marts / mart).rename(folder / f"{mart}.old")
        new.rename(marts / mart)
    _remove(other)
    return marts / new.name


def _remove(path: Path) -> None:
    """Removes a file or a folder, if it exists."""
    if path.is_dir():
        _check_is_ours(path)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _check_is_ours(folder: Path) -> None:
    """Refuses a folder with anything but the months of a mart, and a link to one."""
    if folder.is_symlink():
        raise InfraspendError(f"{folder} is a link: move it, or name another --to")
    for path in folder.rglob("*"):
        if path.is_file() and not _MONTH_FILE.fullmatch(path.relative_to(folder).as_posix()):
            raise InfraspendError(f"{path} was not published here: move it, or name another --to")


def _replace(new: Path, old: Path) -> None:
    """Replaces an old file by a new one, so that a power cut leaves one of the two."""
    _sync(new)
    new.replace(old)


def _sync(path: Path) -> None:
    """Writes a file through to the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
