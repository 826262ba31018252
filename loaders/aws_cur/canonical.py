"""Writes the SQL that turns delivered files into canonical line items.

Files of one assembly may differ in their columns, so they are grouped by layout: each layout
knows how to read its files and what gives each CUR 2.0 column.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Final

from infraspend.loaders.aws_cur.columns import (
    ACCOUNTS,
    COST,
    FORGIVING,
    NET_OF_PLANS,
    NET_OF_RESERVATIONS,
    NET_UNBLENDED,
    Destination,
    destinations,
)
from infraspend.loaders.aws_cur.manifest import LEGACY_CSV_ZIP, PARQUET
from infraspend.loaders.cur_columns import CUR_COLUMNS, MAP_COLUMNS
from infraspend.loaders.files import DataFile
from infraspend.loaders.sql import csv_call, literal, quoted, time_of
from infraspend.loaders.tables import decimal_digits

# A bundled discount is a price of usage, and no negotiated discount.
DISCOUNT_LINE: Final = (
    "(coalesce(line_item_line_item_type, '') like '%Discount'"
    " and line_item_line_item_type <> 'BundledDiscount')"
)

_TOTALLED: Final = ("line_item_unblended_cost", "line_item_net_unblended_cost")

_PLAN_FEES: Final = "('SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee')"

_OTHER_NET_COST: Final = "line_item_net_unblended_cost <> line_item_unblended_cost"

_MONEY: Final = CUR_COLUMNS[COST]

_USAGE: Final = "('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage')"

# What tools that copy a report write where nothing is in it.
_NOTHING: Final = "('', 'None', 'NULL', 'null', 'nan', 'NaN')"

RESOURCE_TAGS: Final = "resourceTags/"
ACCOUNT_TAGS: Final = "accountTag/"
USER_ATTRIBUTES: Final = "userAttribute/"

# `tags` has everything that describes a line, and is used where the older column was not chosen.
_PARTS_OF_TAGS: Final = {
    "account_tags": ACCOUNT_TAGS,
    "cost_category": "costCategory/",
    "resource_tags": RESOURCE_TAGS,
}

_KEYS_AND_VALUES: Final = re.compile(
    r'STRUCT\((?=(?:[^()]*, )?"?key"? VARCHAR)(?=(?:[^()]*, )?"?value"? VARCHAR)[^()]*\)\[\]',
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Value:
    """What was delivered for a CUR 2.0 column.

    Attributes:
        name: The delivered column's name.
        kind: Its DuckDB type.
        part: Which members of a map it is about, by what their keys begin with; None for all.
    """

    name: str
    kind: str
    part: str | None = None

    @property
    def delivered(self) -> str:
        """The value as text, a double by its shortest digits."""
        name = quoted(self.name)
        return name if self.kind == "VARCHAR" else f"cast({name} as varchar)"

    @property
    def text(self) -> str:
        """The value as text: NULL where nothing is in it."""
        # Few texts are as short, which is seen sooner than that they are other ones.
        return (
            f"case when length({self.delivered}) > 4 or {self.delivered} not in {_NOTHING}"
            f" then {self.delivered} end"
        )

    @property
    def account(self) -> str:
        """An account's id: twelve digits, with the zeros that a number has lost."""
        digits = f"regexp_replace({self.text}, '[.]0$', '')"
        return (
            f"case when length({self.delivered}) <> 12"
            f" and regexp_full_match({digits}, '[0-9]{{1,12}}')"
            f" then lpad({digits}, 12, '0') else {self.text} end"
        )

    @property
    def is_no_account(self) -> str:
        """Whether there is no account's id, or a number that has lost more than zeros."""
        return (
            f"({self.account} is null or length({self.account}) <> 12"
            f" and try_cast({self.account} as double) is not null)"
        )

    @property
    def interval(self) -> tuple[str, str]:
        """Where an interval of time starts and ends: NULL where it is none."""
        start, end = (
            f"try_cast(split_part({self.text}, '/', {part}) as timestamp)" for part in (1, 2)
        )
        return start, end

    @property
    def is_map(self) -> bool:
        """Whether its type can hold a map."""
        return self.kind in ("VARCHAR", "JSON") or self.has_entries or self.kind.startswith("MAP(")

    @property
    def has_entries(self) -> bool:
        """Whether it is a map written as a list of keys and values."""
        return bool(_KEYS_AND_VALUES.fullmatch(self.kind))

    def unreadable(self, column: str) -> str | None:
        """The condition that something is in it that its column cannot take; None if none can.

        Args:
            column: The CUR 2.0 column.
        """
        kind = CUR_COLUMNS[column]
        if column in ACCOUNTS:
            return self.is_no_account
        if column == "identity_time_interval":
            return f"({self.text} is not null and {self.interval[0]} is null)"
        if kind == "varchar" or (kind == "json" and not self.is_map):
            return None
        if kind == "json":
            wanted = f"try_cast(try_cast({self.raw_map} as json) as map(varchar, varchar))"
        elif kind == "timestamp":
            wanted = f"try_cast({self._time} as timestamp)"
        else:
            wanted = f"try_cast({self.text} as {kind})"
        known = f"{self.text} is not null and {wanted} is null"
        return f"({self.text} is null or {known})" if column == COST else f"({known})"

    @property
    def raw_map(self) -> str:
        """A map as JSON text, whatever its order and its empty members."""
        if self.kind in ("VARCHAR", "JSON"):
            return self.text
        entries = quoted(self.name)
        if self.has_entries:
            entries = map_of_entries(entries)
        return f"cast(to_json({entries}) as varchar)"

    @property
    def _time(self) -> str:
        return self.text if self.kind == "VARCHAR" else time_of(self.name, self.kind)

    def landed(self, kind: str, forgiving: bool = False) -> str:
        """The value in the type it lands in.

        Args:
            kind: The type.
            forgiving: Whether what cannot be read is NULL; otherwise the query fails.
        """
        cast = "try_cast" if forgiving else "cast"
        if kind == "varchar":
            return self.text
        if kind == "timestamp":
            return f"{cast}({self._time} as timestamp)"
        exact = f"{cast}({self.text} as {kind})"
        if self.kind != "DOUBLE":
            return exact
        # The shortest text of a double has the digits that were meant, and takes long. Below
        # 100,000 the double and its product are less than 3e-6 of the value away from them, in
        # units of the last digit kept: unless it is that close to a tie, it rounds the same way.
        # Below 1,000 that takes fewer steps to see, and NULL, which most amounts are, none.
        double = quoted(self.name)
        units = f"{double} * 1e{decimal_digits(kind)[1]}"
        return (
            f"case when {double} not between -1000 and 1000"
            f" or {units} - floor({units}) between 0.496 and 0.504"
            f" then case when abs({double}) < 100000"
            f" and abs({units} - floor({units}) - 0.5) > 1e-8 + 3e-6 * abs({double})"
            f" then {cast}({double} as {kind}) else {exact} end"
            f" else {cast}({double} as {kind}) end"
        )

    @property
    def total(self) -> str:
        """The value as a term of a control total, every digit that was delivered."""
        exact = f"cast({self.text} as decimal(38,18))"
        if self.kind != "DOUBLE":
            return exact
        # No two decimals of 15 digits are the same double: one that gives the double back is what
        # its text says, which takes four times as long to find out.
        double = quoted(self.name)
        digits = f"try_cast({double} as decimal(15,10))"
        return (
            f"case when cast({digits} as double) is distinct from {double} then {exact}"
            f" else cast({digits} as decimal(38,18)) end"
        )


@dataclass(frozen=True)
class Layout:
    """Files with the same columns in the same order.

    Attributes:
        files: The files.
        format: The assembly's format.
        values: CUR 2.0 column -> what was delivered for it.
        members: Column of a map -> key -> the delivered column that holds that member.
        left_out: Delivered columns that land nowhere.
    """

    files: tuple[DataFile, ...]
    format: str
    values: Mapping[str, Value]
    members: Mapping[str, Mapping[str, Value]]
    left_out: tuple[str, ...]

    def reader(self, paths: Iterable[Path] | None = None) -> str:
        """A table function call that reads the layout's files, or only the given ones."""
        chosen = [file.path for file in self.files] if paths is None else paths
        if self.format in PARQUET:
            return f"read_parquet([{', '.join(literal(str(path)) for path in chosen)}])"
        # Positions instead of the header's names: those may repeat but for their case.
        positions = (_position(number) for number in range(len(self.files[0].columns)))
        packing = "none" if self.format == LEGACY_CSV_ZIP else "gzip"
        return csv_call(chosen, positions, packing)

    def text(self, column: str) -> str:
        """A CUR 2.0 column as text, an account by its twelve digits: NULL if not delivered."""
        if column not in self.values:
            return "null"
        value = self.values[column]
        return value.account if column in ACCOUNTS else value.text

    def time(self, column: str) -> str:
        """A column of times; NULL if it was not delivered."""
        value = self.values.get(column)
        return value.landed("timestamp") if value else "cast(null as timestamp)"

    @property
    def interval(self) -> tuple[str, str]:
        """Where a line's interval of time starts and ends; NULL where that was not delivered."""
        value = self.values.get("identity_time_interval")
        return value.interval if value else ("cast(null as timestamp)",) * 2

    @property
    def maps(self) -> dict[str, Value]:
        """The columns whose map was delivered whole."""
        return {name: value for name, value in self.values.items() if name in MAP_COLUMNS}


def layouts(files: Sequence[DataFile], form: str) -> list[Layout]:
    """The layouts of an assembly's files.

    Raises:
        DuplicateColumnError: Two columns of the report are one CUR 2.0 column.
    """
    found = destinations(name for file in files for name, _ in file.columns)
    delivered = {destination.column for destination in found.values() if destination}
    parts = {column: part for column, part in _PARTS_OF_TAGS.items() if column not in delivered}
    return [_layout(alike, form, found, parts) for alike in _alike(files)]


def line_items(layout: Layout, assembly_id: str, billing_period: str, maps: Path) -> str:
    """The query that gives a layout's line items in the shape they land in.

    A line that does not say when it was is dated by its interval of time, or else by its billing
    period as a whole.

    Args:
        layout: The files.
        assembly_id: The assembly that they belong to.
        billing_period: `YYYY-MM`, the period that they are about.
        maps: A Parquet file of what `dictionary` gave; not read if no map was delivered whole.
    """
    start, end = layout.time("line_item_usage_start_date"), layout.time("line_item_usage_end_date")
    interval_start, interval_end = layout.interval
    period = f"timestamp {literal(billing_period + '-01')}"
    dates = {
        "line_item_usage_start_date": f"coalesce({start}, {interval_start}, {period})",
        "line_item_usage_end_date": f"coalesce({end}, case when {start} is null"
        f" then coalesce({interval_end}, {period} + interval 1 month) end)",
    }
    columns = [f"{literal(assembly_id)} as _assembly_id"]
    joins = []
    for column, kind in CUR_COLUMNS.items():
        if column in layout.maps:
            delivered = layout.maps[column]
            is_missing = f"{column}_dictionary.raw is null and {quoted(delivered.name)} is not null"
            value = (
                f"case when {is_missing} then {canonical(delivered.raw_map, delivered.part)}"
                f" else {column}_dictionary.canonical end"
            )
            joins.append(
                f" left join (from read_parquet({literal(str(maps))})"
                f" where column_name = {literal(column)}) as {column}_dictionary"
                f" on {delivered.raw_map} = {column}_dictionary.raw"
            )
        elif column in layout.members:
            value = f"cast({_json_of_members(layout.members[column])} as json)"
        elif column in dates:
            value = dates[column]
        elif column in ACCOUNTS:
            value = layout.text(column)
        elif column == "identity_time_interval" and column in layout.values:
            # What is no interval would be taken for one.
            value = f"case when {interval_start} is not null then {layout.text(column)} end"
        elif column in layout.values:
            value = layout.values[column].landed(kind, column in FORGIVING)
        else:
            value = f"cast(null as {kind})"
        columns.append(f"{value} as {column}")
    return f"select {', '.join(columns)} from {layout.reader()} as delivered{''.join(joins)}"


def control_totals(some_layouts: Sequence[Layout]) -> str:
    """The query for what is in an assembly as delivered, by payer and currency, in one reading.

    Columns: payer_account_id, currency_code, line_count, unblended_cost, net_unblended_cost and
    unblended_cost_without_net (of the lines without a net one), the same three as
    landed_unblended_cost and so on (each amount rounded as it lands), lines_with_net (other than
    0), shortest_interval_seconds (of usage), shortest_usage_seconds (from its start to its end,
    where no interval was delivered), usage_of_hours (lines of such usage for more than an hour and
    less than a day), nameless_lines (without an account or a cost), unread_values (in columns that
    may have some), undated_lines, discount_lines, discounted_reservation_fees and
    discounted_plan_fees (what pays for commitments at another net cost), discounted_commitments
    (lines with a net cost of a commitment that is another one, where no net unblended cost was
    delivered), and for each column whose map was delivered whole as text a list of its maps: text
    is read from its beginning to its end or not at all.
    """
    whole = _whole_maps(some_layouts)
    parts = []
    for layout in some_layouts:
        values = [
            f"{layout.text(name)} as {name}"
            for name in (
                "bill_payer_account_id",
                "line_item_currency_code",
                "line_item_line_item_type",
                "identity_time_interval",
            )
        ]
        for name in _TOTALLED:
            value = layout.values.get(name)
            total = value.total if value else "cast(null as decimal(38,18))"
            values.append(f"{total} as {name}")
            landed = value.landed(CUR_COLUMNS[name]) if value else "null"
            values.append(f"cast({landed} as {CUR_COLUMNS[name]}) as landed_{name}")
        nameless = [layout.values[name].is_no_account for name in ACCOUNTS]
        nameless.append(f"{layout.text(COST)} is null")
        values.append(f"{' or '.join(nameless)} as is_nameless")
        unread = [
            f"cast({condition} as integer)"
            for name, value in layout.values.items()
            if name in FORGIVING and (condition := value.unreadable(name))
        ]
        values.append(f"{' + '.join(unread) or '0'} as unread_values")
        started = layout.time("line_item_usage_start_date")
        values.append(f"{started} is null and {layout.interval[0]} is null as is_undated")
        ended = layout.time("line_item_usage_end_date")
        length = f"date_diff('second', {started}, {ended})"
        values.append(
            f"case when {layout.text('line_item_line_item_type')} in {_USAGE}"
            f" and {layout.interval[0]} is null and {length} > 0 then {length} end as usage_seconds"
        )
        values.append(f"{_reservation_fee(layout)} as is_reservation_fee")
        values.append(f"{_discounted_commitment(layout)} as is_discounted_commitment")
        for name in whole:
            value = layout.maps.get(name)
            values.append(f"{value.raw_map if value else 'null'} as {name}")
        parts.append(f"select {', '.join(values)} from {layout.reader()} as delivered")
    return f"""
        select
            bill_payer_account_id as payer_account_id,
            line_item_currency_code as currency_code,
            count(*) as line_count,
            {_sums("")},
            {_sums("landed_")},
            count(*) filter (
                where line_item_net_unblended_cost <> 0 and not ({DISCOUNT_LINE})
            ) as lines_with_net,
            list_min(
                list_transform(
                    list(distinct identity_time_interval)
                        filter (where line_item_line_item_type = 'Usage'),
                    lambda interval: date_diff(
                        'second',
                        try_cast(split_part(interval, '/', 1) as timestamp),
                        try_cast(split_part(interval, '/', 2) as timestamp)
                    )
                )
            ) as shortest_interval_seconds,
            min(usage_seconds) as shortest_usage_seconds,
            count(*) filter (where usage_seconds > 3600 and usage_seconds < 86399)
                as usage_of_hours,
            count(*) filter (where is_nameless) as nameless_lines,
            cast(sum(unread_values) as bigint) as unread_values,
            count(*) filter (where is_undated) as undated_lines,
            count(*) filter (where {DISCOUNT_LINE}) as discount_lines,
            count(*) filter (
                where (line_item_line_item_type = 'RIFee' or is_reservation_fee)
                and {_OTHER_NET_COST}
            ) as discounted_reservation_fees,
            count(*) filter (
                where line_item_line_item_type in {_PLAN_FEES} and {_OTHER_NET_COST}
            ) as discounted_plan_fees,
            count(*) filter (where is_discounted_commitment) as discounted_commitments
            {"".join(f", list(distinct {name}) as {name}" for name in whole)}
        from ({" union all ".join(parts)})
        group by bill_payer_account_id, line_item_currency_code
    """


def dictionary(some_layouts: Sequence[Layout], counted: str) -> str | None:
    """The query for how delivered maps land: sorted keys, text values, none of them empty.

    There are far fewer maps than lines, so that each is put in order once. A map that is not in
    here lands the same and takes longer: of Parquet's maps, one of two with the same hash.

    Args:
        some_layouts: The layouts of an assembly.
        counted: The table that holds what `control_totals` gave.

    Returns:
        The query, with the columns column_name, raw and canonical (JSON, NULL if no member has a
        value); None if no map was delivered whole.
    """
    raws = [
        f"select {literal(name)} as column_name, unnest({name}) as raw from {counted}"
        for name in _whole_maps(some_layouts)
    ]
    parts = {name: value.part for layout in some_layouts for name, value in layout.maps.items()}
    for layout in some_layouts:
        if layout.format in PARQUET:
            for name, value in layout.maps.items():
                delivered = quoted(value.name)
                raws.append(
                    f"select {literal(name)} as column_name, {value.raw_map} as raw"
                    f" from (select any_value({delivered}) as {delivered} from {layout.reader()}"
                    f" as delivered group by hash(delivered.{delivered}))"
                )
    if not raws:
        return None
    cases = " ".join(
        f"when {literal(name)} then {canonical('raw', part)}" for name, part in parts.items()
    )
    return (
        f"select column_name, raw, case column_name {cases} end as canonical"
        f" from (select distinct column_name, raw from ({' union all '.join(raws)})"
        " where raw is not null)"
    )


def map_of_entries(entries: str) -> str:
    """The map of a list of structs with a key and a value: an expression, NULL if a key is missing.

    Of several values of one key the first one counts.
    """
    keys = f"list_transform({entries}, lambda entry: entry.key)"
    place = f"coalesce(list_position({keys}, entry.key), place)"
    firsts = f"list_filter({entries}, lambda entry, place: {place} = place)"
    pairs = f"list_transform({firsts}, lambda entry: {{'key': entry.key, 'value': entry.value}})"
    return f"try(map_from_entries({pairs}))"


def canonical(raw: str, part: str | None = None) -> str:
    """A map as it lands: an expression of type JSON for one that gives the map as JSON text.

    Args:
        raw: The map.
        part: What the keys of the members begin with that are wanted; they land without it.
    """
    members = f"map_entries(cast(cast({raw} as json) as map(varchar, varchar)))"
    kept = f"list_sort(list_filter({members}, lambda member: member.value not in {_NOTHING}))"
    if part is not None:
        kept = _members_of(kept, part)
    text = f"cast(to_json(map_from_entries({kept})) as varchar)"
    return f"cast(nfc_normalize(nullif({text}, '{{}}')) as json)"


def _members_of(members: str, part: str) -> str:
    """The members of one part of `tags`, under the names that CUR 2.0 gives them elsewhere."""

    def name_of(key: str) -> str:
        # `landed_name`, in SQL.
        rest = f"nfc_normalize(substr({key}, strpos({key}, '/') + 1))"
        words = f"lower(regexp_replace({rest}, '([A-Z])', '_\\1', 'g'))"
        name = f"trim(regexp_replace({words}, '[^\\p{{L}}\\p{{N}}]+', '_', 'g'), '_')"
        if part == ACCOUNT_TAGS:
            of_user = f"starts_with({key}, {literal(USER_ATTRIBUTES)})"
            return f"case when {of_user} then 'attribute_' else 'account_' end || {name}"
        if part != RESOURCE_TAGS:
            return name
        # A tag that a person has put on is one of the user.
        return (
            f"case when regexp_matches({rest}, '^(user|aws)[:_]') then {name}"
            f" else 'user_' || {name} end"
        )

    # What is said of the user of a line stands beside what is said of its account.
    parts = (part, USER_ATTRIBUTES) if part == ACCOUNT_TAGS else (part,)
    is_wanted = " or ".join(f"starts_with(member.key, {literal(one)})" for one in parts)
    name = name_of("member.key")
    before = f"list_filter(found[1:destination], lambda other: {name_of('other.key')} = {name})"
    suffix = f"case when len({before}) > 1 then '_' || len({before}) else '' end"
    return (
        f"list_sort(list_transform([list_filter({members}, lambda member: {is_wanted})],"
        " lambda found: list_transform(found,"
        f" lambda member, destination: {{'key': {name} || {suffix}, 'value': member.value}}))[1])"
    )


def _whole_maps(some_layouts: Sequence[Layout]) -> list[str]:
    """The columns whose map was delivered whole as text by some of an assembly's files."""
    return sorted(
        {name for layout in some_layouts if layout.format not in PARQUET for name in layout.maps}
    )


def _reservation_fee(layout: Layout) -> str:
    """Whether a line is what was paid upfront for a reservation; of a bill with net costs."""
    if NET_UNBLENDED not in layout.values:
        return "false"
    return (
        f"({layout.text('line_item_line_item_type')} = 'Fee'"
        f" and ({layout.text('reservation_reservation_a_r_n')} is not null"
        f" or {layout.text('line_item_usage_type')} like '%HeavyUsage%'))"
    )


def _discounted_commitment(layout: Layout) -> str:
    """Whether a line's commitment has a net cost, and not the one without discounts.

    False where net costs of lines were delivered: their discounts are seen in those.
    """
    if NET_UNBLENDED in layout.values:
        return "false"
    pairs = [
        (layout.values[net].text, layout.values[gross].text)
        for gross, net in (NET_OF_RESERVATIONS | NET_OF_PLANS).items()
        if gross in layout.values and net in layout.values
    ]
    others = " or ".join(
        f"try_cast({net} as {_MONEY}) <> 0"
        f" and try_cast({net} as {_MONEY}) <> try_cast({gross} as {_MONEY})"
        for net, gross in pairs
    )
    return f"coalesce({others}, false)" if others else "false"


def _sums(prefix: str) -> str:
    """What the costs add up to: as delivered, or as landed."""
    return f"""
            coalesce(sum({prefix}line_item_unblended_cost), 0) as {prefix}unblended_cost,
            coalesce(sum({prefix}line_item_net_unblended_cost), 0)
                as {prefix}net_unblended_cost,
            coalesce(
                sum({prefix}line_item_unblended_cost) filter (
                    where line_item_net_unblended_cost is null and not ({DISCOUNT_LINE})
                ),
                0
            ) as {prefix}unblended_cost_without_net"""


def bad_values(layout: Layout, file: DataFile, *, forgiving: bool, most: int) -> str:
    """The query for the values of a file that their columns cannot take.

    Columns: row (the first below the header is 1), column, value (NULL where there is none where
    one is needed), and how many there are in all.

    Args:
        layout: The file's layout.
        file: The file.
        forgiving: Whether to look in the columns that may have some, or in the others.
        most: How many to list.
    """
    checks = [
        f"case when {condition}"
        f" then {{'column': {literal(column)}, 'value': {value.delivered}}} end"
        for column, value in layout.values.items()
        # A part of a map is as bad as the map.
        if value.part is None
        and (column in FORGIVING) == forgiving
        and (condition := value.unreadable(column))
    ]
    if not checks:
        return "select 0, '', '', 0 where false"
    return f"""
        select row_number, bad.column, bad.value, count(*) over () as found
        from (
            select row_number, unnest([{", ".join(checks)}]) as bad
            from (
                select row_number() over () as row_number, *
                from {layout.reader([file.path])} as delivered
            )
        )
        where bad is not null
        order by row_number, bad.column
        limit {most}
    """


def _alike(files: Sequence[DataFile]) -> list[tuple[DataFile, ...]]:
    by_columns = sorted(files, key=lambda file: file.columns)
    return [tuple(group) for _, group in groupby(by_columns, key=lambda file: file.columns)]


def _layout(
    files: tuple[DataFile, ...],
    form: str,
    found: Mapping[str, Destination | None],
    parts: Mapping[str, str],
) -> Layout:
    values: dict[str, Value] = {}
    members: dict[str, dict[str, Value]] = {}
    left_out = []
    for number, (header, kind) in enumerate(files[0].columns):
        destination = found[header]
        value = Value(header if form in PARQUET else _position(number), kind)
        if destination is None:
            left_out.append(header)
        elif destination.key is None:
            values[destination.column] = value
        else:
            members.setdefault(destination.column, {})[destination.key] = value
    if "tags" in values:
        for column, part in parts.items():
            values[column] = replace(values["tags"], part=part)
    return Layout(files, form, values, members, tuple(left_out))


def _position(number: int) -> str:
    return f"c{number}"


def _json_of_members(members: Mapping[str, Value]) -> str:
    """A JSON object of the members that have a value, keys sorted; NULL if none has one."""
    # concat_ws leaves NULLs out, which to_json gives for a NULL text.
    pairs = [
        f"{literal(json.dumps(key, ensure_ascii=False) + ':')} || to_json({members[key].text})"
        for key in sorted(members)
    ]
    return f"nfc_normalize(nullif('{{' || concat_ws(',', {', '.join(pairs)}) || '}}', '{{}}'))"
