"""Lands published files: every row checked, bad hours refused whole, the rest recorded."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb

from loaders.batch import Part, Prepared, land_prepared
from loaders.errors import InfraspendError
from loaders.places import as_directory
from loaders.platforms.publication import (
    SUFFIXES,
    Publication,
    published_files,
    read_publication,
    reader,
)
from loaders.result import LoadResult, Progress, silent
from loaders.sql import label_of, literal, quoted, text_of
from loaders.tables import AMOUNT, TABLES
from loaders.warehouse import checkpoint, open_warehouse, utc_now

DATASET: Final = "raw_platforms"

RESERVED: Final = (
    "unattributed",
    "unlabeled",
    "_unused_ri",
    "_unused_sp",
    "_unallocated_discount",
)
"""Labels that only the models give. Owners may push `free`: it is theirs to know what is idle."""

LARGEST_HOUR: Final = 1_000_000_000
"""The most units that an hour of a sub-platform may hold: above it, shares would overflow."""

_KINDS: Final = {"usage": ("usage", "usage"), "proportion": ("schedule", "schedules")}
"""The column that tells what a file is -> the kind of delivery and the table it goes into."""

_KEYS: Final = ("usage_hour", "platform", "sub_platform", "lyft_label")


def load(warehouse: Path, source: str, *, progress: Progress = silent) -> LoadResult:
    """Lands every published file found under a source that has not landed before.

    A row that breaks the contract refuses its hour of the platform and sub-platform, which goes
    to `raw_platforms.rejects` with file, row and reason; the file's other hours land.

    Args:
        warehouse: The DuckDB file.
        source: The directory or `s3://` URL that holds a folder per platform.
        progress: Told what is being done.

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
        failures = []
        rejects = []
        skipped = 0
        # A list: the root may lie above the workbench, which is still empty now.
        for number, path in enumerate(list(published_files(root))):
            try:
                publication = read_publication(root, path)
                if publication.delivery_id in landed:
                    skipped += 1
                    continue
                progress(f"{publication.name}: checking")
                prepared.append(_prepare(publication, opened.workbench / f"platforms-{number:06}"))
                landed.add(publication.delivery_id)
            except InfraspendError as error:
                failures.append(str(error))
                progress(failures[-1])
                rejects.append(_reject_row(str(path), str(error), None, None, None, None))
        opened.reject(DATASET, rejects)
        checkpoint("publications_checked")
        rows = sum(one.rows for one in prepared)
        if prepared:
            progress(f"landing {rows:,} rows of {len(prepared)} files")
            land_prepared(opened, DATASET, prepared)
    if failures:
        raise InfraspendError(
            f"{len(failures)} files did not load (the others are in): {'; '.join(failures)}"
        )
    if not prepared and not skipped:
        raise InfraspendError(
            f"{source} holds nothing that was published: looked for"
            f" <platform>/*{', *'.join(SUFFIXES)}"
        )
    return LoadResult(
        landed=len(prepared),
        skipped=skipped,
        rejected=sum(len(one.rejects) for one in prepared),
        rows=rows,
    )


def _prepare(publication: Publication, folder: Path) -> Prepared:
    """Checks a file and writes the rows that are good in the shape they land in."""
    folder.mkdir()
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        try:
            call, columns = reader(connection, publication.path, folder / "delivered")
            value = _value_column(publication, columns)
            _read(connection, publication, call, columns, value)
            refused = _refused_hours(connection, value)
            kind, table = _KINDS[value]
            part = _write(connection, publication, table, folder / f"{table}.parquet")
        except duckdb.Error as error:
            raise InfraspendError(
                f"{publication.path} cannot be read ({str(error).splitlines()[0]}): publish it"
                " again"
            ) from error
    return Prepared(
        delivery=publication.delivery_id,
        name=publication.name,
        parts={table: part},
        ledger={
            "delivery_id": publication.delivery_id,
            "file": publication.name,
            "kind": kind,
            "platform": publication.platform,
            "delivered_at": publication.published_at,
            "rows": part.rows,
            "bytes": publication.bytes,
            "sha256": publication.sha256,
            "landed_at": utc_now(),
        },
        rejects=[
            _reject_row(str(publication.path), reason, row_number, platform, sub_platform, hour)
            for platform, sub_platform, hour, row_number, reason in refused
        ],
    )


def _value_column(publication: Publication, columns: Mapping[str, str]) -> str:
    """`usage` or `proportion`: what the file holds."""
    values = [name for name in _KINDS if name in columns]
    missing = [name for name in _KEYS if name not in columns]
    if missing or not values:
        wanted = missing or ["usage or proportion"]
        raise InfraspendError(
            f"{publication.path} has no column {', '.join(wanted)}: publish it with them"
        )
    if len(values) > 1:
        raise InfraspendError(
            f"{publication.path} has both usage and proportion: publish them as two files"
        )
    return values[0]


def _read(
    connection: duckdb.DuckDBPyConnection,
    publication: Publication,
    call: str,
    columns: Mapping[str, str],
    value: str,
) -> None:
    """Makes the table `published` of a file's rows, each with what is wrong with it."""
    optional = {
        name: text_of(name) if name in columns else "cast(null as varchar)"
        for name in ("capacity_pool", "unit")
    }
    hour = f"timezone('UTC', try_cast({text_of('usage_hour')} as timestamptz))"
    connection.execute(f"""
        create table delivered as
        select
            row_number() over () as row_number,
            {hour} as usage_hour,
            {text_of("platform")} as platform,
            {text_of("sub_platform")} as sub_platform,
            {optional["capacity_pool"]} as capacity_pool,
            {label_of(text_of("lyft_label"))} as lyft_label,
            {optional["unit"]} as unit,
            {text_of(value)} as delivered_value,
            try_cast({text_of(value)} as {AMOUNT}) as {value}
        from {call}
    """)
    lost = connection.execute(
        "select min(row_number) from delivered where usage_hour is null"
    ).fetchall()[0][0]
    if lost is not None:
        raise InfraspendError(
            f"{publication.path}, row {lost}: usage_hour is no time, so that its hour is unknown:"
            " publish the file again"
        )
    too_large = f" when {value} > 1 then 'proportion is above 1: ' || delivered_value"
    reserved = ", ".join(literal(label) for label in RESERVED)
    connection.execute(f"""
        create table published as
        select
            *,
            case
                when date_trunc('hour', usage_hour) <> usage_hour
                    then 'usage_hour is no whole hour of UTC'
                when usage_hour > {_moment(utc_now() + timedelta(hours=1))}
                    then 'usage_hour lies in the future'
                when platform is distinct from {literal(publication.platform)}
                    then 'platform is not the one whose folder the file is in'
                when sub_platform is null then 'sub_platform is missing'
                when lyft_label is null then 'lyft_label is missing'
                when lyft_label in ({reserved})
                    then 'lyft_label is reserved: ' || lyft_label
                when delivered_value is null then '{value} is missing'
                when {value} is null then '{value} is no number: ' || delivered_value
                when {value} < 0 then '{value} is negative: ' || delivered_value
                {too_large if value == "proportion" else ""}
                when count(*) over (
                    partition by usage_hour, platform, sub_platform, capacity_pool, lyft_label
                ) > 1
                    then 'lyft_label is there twice: ' || lyft_label
            end as problem
        from delivered
    """)


def _refused_hours(
    connection: duckdb.DuckDBPyConnection, value: str
) -> list[tuple[str | None, str | None, datetime, int, str]]:
    """The hours that are refused: platform, sub-platform, hour, the row to blame and why.

    The first bad row is to blame; where every row is good and a schedule still does not add up, or
    usage adds up to too much, it is the first row of the pool or hour that does.
    """
    blamed = """
        select
            platform,
            sub_platform,
            date_trunc('hour', usage_hour) as usage_hour,
            row_number,
            problem
        from published
        where problem is not null
    """
    if value == "proportion":
        blamed += """
            union all
            select
                platform,
                sub_platform,
                usage_hour,
                min(row_number),
                'proportions add up to ' || cast(sum(proportion) as varchar) || ' and not to 1'
            from published
            where problem is null
            group by platform, sub_platform, usage_hour, capacity_pool
            having abs(sum(proportion) - 1) > 0.000001
        """
    else:
        blamed += f"""
            union all
            select
                platform,
                sub_platform,
                usage_hour,
                min(row_number),
                'usage adds up to ' || cast(sum(usage) as varchar) || ', more than '
                || '{LARGEST_HOUR:,}: publish it in a larger unit'
            from published
            where problem is null
            group by platform, sub_platform, usage_hour
            having sum(usage) > {LARGEST_HOUR}
        """
    connection.execute(f"""
        create table refused as
        select
            platform,
            sub_platform,
            usage_hour,
            min(row_number) as first_row,
            arg_min(problem, row_number) as reason
        from ({blamed})
        group by platform, sub_platform, usage_hour
    """)
    return connection.execute("from refused order by usage_hour, first_row").fetchall()


def _write(
    connection: duckdb.DuckDBPyConnection, publication: Publication, table: str, file: Path
) -> Part:
    columns = ", ".join(quoted(name) for name in TABLES[DATASET][table] if name != "_delivery_id")
    connection.execute(f"""
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
    counted = connection.execute(
        f"select count(*) from read_parquet({literal(str(file))})"
    ).fetchall()
    return Part(file, int(counted[0][0]))


def _moment(moment: datetime) -> str:
    return f"timestamp {literal(moment.isoformat(sep=' '))}"


def _reject_row(
    file: str,
    reason: str,
    row_number: int | None,
    platform: str | None,
    sub_platform: str | None,
    hour: datetime | None,
) -> dict[str, object]:
    return {
        "file": file,
        "row_number": row_number,
        "reason": reason,
        "platform": platform,
        "sub_platform": sub_platform,
        "usage_hour": hour,
        "rejected_at": utc_now(),
    }
