"""Checks published rows against the contract: each row's problem, and the refused hours."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

import duckdb

from infraspend.loaders.clock import utc_now
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.platforms.publication import Publication
from infraspend.loaders.sql import label_of, literal, text_of
from infraspend.loaders.tables import AMOUNT, FIRST_YEAR

RESERVED: Final = (
    "unattributed",
    "unlabeled",
    "_unused_ri",
    "_unused_sp",
    "_unallocated_discount",
)
"""Labels that only the models give. Owners may push `free`: they know what is idle."""

LARGEST_HOUR: Final = 1_000_000_000
"""The most units in an hour of a sub-platform: above it, shares would overflow."""

KINDS: Final = {"usage": ("usage", "usage"), "proportion": ("schedule", "schedules")}
"""The column that identifies a file's kind -> the kind of delivery and its table."""

_UNIT: Final = "lower(trim(coalesce(unit, '')))"
"""A unit, normalised; empty if none is given."""

_KEYS: Final = ("usage_hour", "platform", "sub_platform", "lyft_label")


def value_column(publication: Publication, columns: Mapping[str, str]) -> str:
    """`usage` or `proportion`: the kind of the file."""
    values = [name for name in KINDS if name in columns]
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


def read_published(
    connection: duckdb.DuckDBPyConnection,
    publication: Publication,
    call: str,
    columns: Mapping[str, str],
    value: str,
) -> None:
    """Creates the table `published` of a file's rows, each with its problem, if any."""
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
            {text_of("usage_hour")} as delivered_hour,
            {text_of("platform")} as platform,
            {text_of("sub_platform")} as sub_platform,
            {optional["capacity_pool"]} as capacity_pool,
            {label_of(text_of("lyft_label"))} as lyft_label,
            {optional["unit"]} as unit,
            {text_of(value)} as delivered_value,
            try_cast({text_of(value)} as {AMOUNT}) as {value}
        from {call}
    """)
    too_large = f" when {value} > 1 then 'proportion is above 1: ' || delivered_value"
    reserved = ", ".join(literal(label) for label in RESERVED)
    connection.execute(f"""
        create table published as
        select
            *,
            case
                when usage_hour is null
                    then 'usage_hour is no time: ' || coalesce(delivered_hour, 'it is missing')
                when date_trunc('hour', usage_hour) <> usage_hour
                    then 'usage_hour is no whole hour of UTC'
                when usage_hour > {_moment(utc_now() + timedelta(hours=1))}
                    then 'usage_hour lies in the future'
                when usage_hour < make_timestamp({FIRST_YEAR}, 1, 1, 0, 0, 0)
                    then 'usage_hour lies before {FIRST_YEAR}, when there was no bill to split'
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


def refuse_unknown_hours(connection: duckdb.DuckDBPyConnection, publication: Publication) -> None:
    """Makes sure that each row's hour is known: a row without a time may belong to any hour.

    Raises:
        InfraspendError: A row has no time.
    """
    ((lost,),) = connection.execute(
        "select min(row_number) from published where usage_hour is null"
    ).fetchall()
    if lost is not None:
        raise InfraspendError(
            f"{publication.path}, row {lost}: usage_hour is no time, so that its hour is unknown:"
            " publish the file again"
        )


def refused_hours(
    connection: duckdb.DuckDBPyConnection, value: str
) -> list[tuple[str | None, str | None, datetime, int, str]]:
    """The hours that are refused: platform, sub-platform, hour, the invalid row and why.

    The row is the first invalid one; where every row is valid but a schedule does not add up, or
    usage adds up to too much or is in two units, it is the first row of that pool or hour. Rows
    without a time are in no hour.
    """
    blamed = """
        select
            platform,
            sub_platform,
            date_trunc('hour', usage_hour) as usage_hour,
            row_number,
            problem
        from published
        where problem is not null and usage_hour is not null
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
            union all
            -- Core-hours and query-seconds have no sum; nor have core-hours and amounts without a
            -- unit.
            select
                platform,
                sub_platform,
                usage_hour,
                min(row_number),
                'usage is in several units' || coalesce(' in pool ' || capacity_pool, '') || ': '
                || string_agg(
                    distinct coalesce(unit, '(none)'), ', ' order by coalesce(unit, '(none)')
                )
                || ': publish it in one'
            from published
            where problem is null
            group by platform, sub_platform, usage_hour, capacity_pool
            having count(distinct {_UNIT}) > 1
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


def changed_units(
    units: Iterable[tuple[str, datetime, str | None]],
) -> Iterator[tuple[str, datetime, str, str]]:
    """The hours from which a pool's usage is in another unit than in the hours before.

    Args:
        units: Pool, hour and unit, in this order; hours without a unit are left out.

    Yields:
        Pool, hour, the unit before and the unit from then on.
    """
    before: dict[str, str] = {}
    for pool, hour, unit in units:
        if unit is None:
            continue
        if pool in before and _spelled(before[pool]) != _spelled(unit):
            yield pool, hour, before[pool], unit
        before[pool] = unit


def _spelled(unit: str) -> str:
    """A unit as it is compared, normalised like `_UNIT`."""
    return unit.strip().lower()


def _moment(moment: datetime) -> str:
    return f"timestamp {literal(moment.isoformat(sep=' '))}"
