"""The record of a warehouse's builds, kept in the warehouse: `pipeline.builds`.

The record is written before dbt starts and completed after it ended. A build that was killed
leaves a row that never finished, so nobody takes its half-built marts for good ones.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from loaders.errors import InfraspendError


@dataclass(frozen=True)
class BuildRecord:
    """How one build of a warehouse went.

    Attributes:
        build_id: Names the build.
        started_at: When it began, in UTC.
        finished_at: When it ended, in UTC; None while it runs, and for ever if it was killed.
        succeeded: Everything that it ran was built and passed its tests.
        is_whole: It ran every seed, model and test of the project, on all the data.
        fingerprint: Of what it was built from; see `builder.fingerprints`.
        marts: The marts that the project had, by name.
    """

    build_id: str
    started_at: datetime
    finished_at: datetime | None
    succeeded: bool
    is_whole: bool
    fingerprint: str
    marts: tuple[str, ...]

    @property
    def may_be_published(self) -> bool:
        """Every mart is there, built together, and passed every test."""
        return self.succeeded and self.is_whole


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
                raise InfraspendError(
                    f"{warehouse}: another process has the warehouse open; "
                    "wait until it is done, or close it (readers use the published copy)"
                ) from error
            raise InfraspendError(
                f"{warehouse}: cannot be opened as a DuckDB file ({_first_line(error)})"
            ) from error
        yield connection


def begin(warehouse: Path, fingerprint: str) -> str:
    """Notes that a build starts: from here on, the last build has not succeeded.

    Args:
        warehouse: The warehouse that is built.
        fingerprint: Of what it is built from.

    Returns:
        The id of the build, for `finish`.
    """
    build_id = str(uuid.uuid4())
    with opened(warehouse) as connection:
        connection.execute("create schema if not exists warehouse.pipeline")
        connection.execute(
            """
            create table if not exists warehouse.pipeline.builds (
                build_id varchar primary key,
                started_at timestamp not null,
                finished_at timestamp,
                succeeded boolean not null,
                is_whole boolean not null,
                fingerprint varchar not null,
                marts varchar[] not null
            )
            """
        )
        connection.execute(
            "insert into warehouse.pipeline.builds values (?, ?, null, false, false, ?, [])",
            [build_id, _now(), fingerprint],
        )
    return build_id


def finish(
    warehouse: Path, build_id: str, *, succeeded: bool, is_whole: bool, marts: Sequence[str]
) -> None:
    """Notes how a build ended.

    Args:
        warehouse: The warehouse that was built.
        build_id: As `begin` gave it.
        succeeded: Everything that ran was built and passed its tests.
        is_whole: Everything of the project ran.
        marts: The names of the project's marts.
    """
    with opened(warehouse) as connection:
        connection.execute(
            """
            update warehouse.pipeline.builds
            set finished_at = ?, succeeded = ?, is_whole = ?, marts = ?
            where build_id = ?
            """,
            [_now(), succeeded, is_whole, list(marts), build_id],
        )


def note_raw_tables(warehouse: Path, fingerprints: Mapping[str, tuple[str, str]]) -> None:
    """Notes how the raw tables were that a build read; see `fingerprints_of_raw_tables`."""
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
    """What `note_raw_tables` noted; empty where nothing was."""
    with opened(warehouse, read_only=True) as connection:
        if not _is_there(connection, "raw_datasets"):
            return {}
        found = connection.execute(
            "select dataset, loads, storage from warehouse.pipeline.raw_datasets"
        ).fetchall()
    return {dataset: (loads, storage) for dataset, loads, storage in found}


def last_build(warehouse: Path) -> BuildRecord | None:
    """The newest build of a warehouse, finished or not; None where none was ever started.

    Args:
        warehouse: An existing warehouse.

    Raises:
        InfraspendError: The warehouse cannot be opened.
    """
    with opened(warehouse, read_only=True) as connection:
        if not _is_there(connection, "builds"):
            return None
        row = connection.execute(
            """
            select build_id, started_at, finished_at, succeeded, is_whole, fingerprint, marts
            from warehouse.pipeline.builds
            order by started_at desc
            limit 1
            """
        ).fetchone()
    if row is None:
        return None
    build_id, started_at, finished_at, succeeded, is_whole, fingerprint, marts = row
    return BuildRecord(
        build_id=build_id,
        started_at=started_at,
        finished_at=finished_at,
        succeeded=succeeded,
        is_whole=is_whole,
        fingerprint=fingerprint,
        marts=tuple(marts),
    )


def _is_there(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether a warehouse that is `opened` has a table of this name in its schema `pipeline`."""
    found = connection.execute(
        "select count(*) from duckdb_tables() where database_name = 'warehouse'"
        " and schema_name = 'pipeline' and table_name = ?",
        [table],
    ).fetchone()
    return found == (1,)


def _now() -> datetime:
    """Now in UTC, without a zone, as the warehouse keeps time."""
    return datetime.now(UTC).replace(tzinfo=None)


def _first_line(error: BaseException) -> str:
    """What an error says, without the paragraphs below it."""
    return str(error).strip().splitlines()[0]
