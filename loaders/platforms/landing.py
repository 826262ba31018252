"""Lands published files: every row checked, bad hours refused whole, the rest recorded."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final

import duckdb

from infraspend.loaders.batch import Part, Prepared, land_prepared
from infraspend.loaders.clock import utc_now
from infraspend.loaders.errors import InfraspendError, first_line
from infraspend.loaders.open_location import as_directory
from infraspend.loaders.open_warehouse import open_warehouse
from infraspend.loaders.outcome import Outcome, reject_row
from infraspend.loaders.platforms.checking import (
    KINDS,
    changed_units,
    read_published,
    refuse_unknown_hours,
    refused_hours,
    value_column,
)
from infraspend.loaders.platforms.publication import (
    SUFFIXES,
    Publication,
    published_files,
    read_publication,
    reader,
)
from infraspend.loaders.result import LoadResult, Progress, Step, silent
from infraspend.loaders.sql import literal, quoted
from infraspend.loaders.tables import TABLES
from infraspend.loaders.warehouse import Warehouse, WarehouseLocation, checkpoint

DATASET: Final = "raw_platforms"

_UNIT_DAYS: Final = 31
"""How many days before a delivery its unit is compared with."""


def load(warehouse: WarehouseLocation, source: str, *, progress: Progress = silent) -> LoadResult:
    """Lands every published file found under a source that has not landed before.

    An invalid row refuses its hour of the platform and sub-platform, which goes
    to `raw_platforms.rejects` with file, row and reason; the file's other hours land.

    Args:
        warehouse: The DuckDB file, or the lake.
        source: The directory or `s3://` URL that has a folder per platform.
        progress: Gets a line about each step.

    Returns:
        The files that landed and that had landed before, the hours that were refused, and the
        rows that landed.

    Raises:
        InfraspendError: Nothing was found, or some files could not be read at all (they are
            named, after the others have landed).
    """
    with open_warehouse(warehouse) as opened:
        root = as_directory(source, opened.workbench, lambda name: name.endswith(SUFFIXES))
        landed = opened.landed(DATASET)
        prepared: list[Prepared] = []
        outcome = Outcome(DATASET, progress)
        # A list: the root may lie above the workbench, which is still empty now.
        paths = list(published_files(root))
        for number, path in enumerate(paths, start=1):
            try:
                publication = read_publication(root, path)
                if publication.delivery_id in landed:
                    outcome.skipped += 1
                    continue
                text = f"{number:,} of {len(paths):,}: {publication.name}: checking"
                progress(Step(text, number - 1, len(paths)))
                folder = opened.workbench / f"platforms-{number:06}"
                with opened.scratch() as connection:
                    one = _prepare(connection, publication, folder)
                prepared.append(one)
                landed.add(publication.delivery_id)
            except InfraspendError as error:
                outcome.fail(str(error))
                outcome.reject(str(path), str(error))
        checkpoint("publications_checked")
        if prepared:
            rows = sum(one.rows for one in prepared)
            progress(f"landing {rows:,} rows of {len(prepared)} files")
            new = land_prepared(opened, prepared, outcome)
            outcome.refused = [_refused(reject) for one in new for reject in one.rejects]
            outcome.notes = list(_notes(opened, new))
        opened.reject(DATASET, outcome.rejects)
    outcome.check(f"{len(outcome.failures)} files")
    if not prepared and not outcome.skipped:
        raise InfraspendError(
            f"{source} holds nothing that was published: looked for"
            f" <platform>/*{', *'.join(SUFFIXES)}"
        )
    return outcome.result()


def _refused(reject: Mapping[str, object]) -> str:
    """A refused hour's file and row, and the reason."""
    return (
        f"{reject['file']}, row {reject['row_number']}: {reject['platform']}:"
        f" {reject['sub_platform']}, {reject['usage_hour']}: {reject['reason']}"
    )


def _notes(warehouse: Warehouse, prepared: Sequence[Prepared]) -> Iterator[str]:
    """Units of the usage just landed that differ from those of the hours before."""
    landed = {one.delivery: one.name for one in prepared if "usage" in one.parts}
    if not landed:
        return
    deliveries = ", ".join(map(literal, landed))
    rows = warehouse.query(f"""
        with landed as (
            select platform, sub_platform, min(usage_hour) as first_hour
            from {DATASET}.usage
            where _delivery_id in ({deliveries})
            group by all
        )
        select
            usage.platform, usage.sub_platform, coalesce(usage.capacity_pool, 'all') as pool,
            usage.usage_hour, arg_max(usage.unit, deliveries.delivered_at),
            arg_max(usage._delivery_id, deliveries.delivered_at)
        from {DATASET}.usage as usage
        inner join {DATASET}.deliveries as deliveries on usage._delivery_id = deliveries.delivery_id
        inner join landed
            on usage.platform = landed.platform
            and usage.sub_platform = landed.sub_platform
            and usage.usage_hour >= landed.first_hour - interval ({_UNIT_DAYS}) day
        group by all
        order by all
    """)
    for (platform, sub_platform), hours in groupby(rows, itemgetter(0, 1)):
        known = [(pool, hour, unit, delivery) for _, _, pool, hour, unit, delivery in hours]
        names = {(pool, hour): landed.get(delivery) for pool, hour, _, delivery in known}
        for pool, hour, before, unit in changed_units(one[:3] for one in known):
            if name := names[pool, hour]:
                yield (
                    f"{name}: {platform}: {sub_platform} (pool {pool}) is in {unit} from {hour}"
                    f" on, and was in {before}"
                )


def _prepare(
    connection: duckdb.DuckDBPyConnection, publication: Publication, folder: Path
) -> Prepared:
    """Checks a file and writes its valid rows as they land."""
    folder.mkdir()
    connection.execute("set timezone = 'UTC'")
    try:
        call, columns = reader(connection, publication.path, folder / "delivered")
        value = value_column(publication, columns)
        read_published(connection, publication, call, columns, value)
        refuse_unknown_hours(connection, publication)
        refused = refused_hours(connection, value)
        kind, table = KINDS[value]
        part = _write(connection, publication, table, folder / f"{table}.parquet")
        first_hour, last_hour = _hours(connection, part)
    except duckdb.Error as error:
        raise InfraspendError(
            f"{publication.path} cannot be read ({first_line(error)}): publish it again"
        ) from error
    return Prepared(
        delivery=publication.delivery_id,
        name=publication.name,
        file=str(publication.path),
        parts={table: part},
        ledger={
            "delivery_id": publication.delivery_id,
            "file": publication.name,
            "kind": kind,
            "platform": publication.platform,
            "first_hour": first_hour,
            "last_hour": last_hour,
            "delivered_at": publication.published_at,
            "rows": part.rows,
            "bytes": publication.bytes,
            "sha256": publication.sha256,
            "landed_at": utc_now(),
        },
        refused=len(refused),
        rejects=[
            reject_row(
                DATASET,
                str(publication.path),
                reason,
                row_number,
                platform=platform,
                sub_platform=sub_platform,
                usage_hour=hour,
            )
            for platform, sub_platform, hour, row_number, reason in refused
        ],
    )


def _write(
    connection: duckdb.DuckDBPyConnection, publication: Publication, table: str, file: Path
) -> Part:
    columns = ", ".join(quoted(name) for name in TABLES[DATASET][table] if name != "_delivery_id")
    copied = connection.execute(f"""
        copy (
            select {literal(publication.delivery_id)} as _delivery_id, {columns}
            from published
            where not exists (
                select 1
                from refused
                where
                    refused.platform is not distinct from published.platform
                    and refused.sub_platform is not distinct from published.sub_platform
                    and refused.usage_hour = date_trunc('hour', published.usage_hour)
            )
            order by row_number
        ) to {literal(str(file))} (format parquet)
    """)
    return Part(file, int(copied.fetchall()[0][0]))


def _hours(
    connection: duckdb.DuckDBPyConnection, part: Part
) -> tuple[datetime | None, datetime | None]:
    """The first and the last hour that a delivery covers; None if it has no rows."""
    ((first, last),) = connection.execute(
        f"select min(usage_hour), max(usage_hour) from read_parquet({literal(str(part.file))})"
    ).fetchall()
    return first, last
