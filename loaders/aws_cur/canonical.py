"""Writes the SQL that turns delivered files into canonical line items.

Files of one assembly may differ in their columns, so they are grouped by layout: each layout
knows how to read its files, and the expression that gives each CUR 2.0 column as text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from loaders.aws_cur.columns import Place, legacy_places
from loaders.aws_cur.manifest import CUR2_PARQUET
from loaders.cur_columns import CUR_COLUMNS, MAP_COLUMNS
from loaders.files import DataFile
from loaders.sql import csv_call, literal, quoted, text_of, time_of

DISCOUNT_LINE = "coalesce(line_item_line_item_type, '') like '%Discount'"


@dataclass(frozen=True)
class Layout:
    """Files with the same columns in the same order.

    Attributes:
        files: The files.
        format: `legacy_csv_gz` or `cur2_parquet`.
        values: CUR 2.0 column -> SQL expression: NULL where nothing was delivered. Amounts are
            text, so that a cast sees the digits that were delivered and not those of a double.
        unknown: Delivered columns that have no place in CUR 2.0.
    """

    files: tuple[DataFile, ...]
    format: str
    values: Mapping[str, str]
    unknown: tuple[str, ...]

    def reader(self, paths: Iterable[Path] | None = None) -> str:
        """A table function call that reads the layout's files, or only the given ones."""
        chosen = [file.path for file in self.files] if paths is None else paths
        if self.format == CUR2_PARQUET:
            return f"read_parquet([{', '.join(literal(str(path)) for path in chosen)}])"
        # Positions instead of the header's names: those may repeat but for their case.
        positions = (f"c{number}" for number in range(len(self.files[0].columns)))
        return csv_call(chosen, positions, "gzip")


def layouts(files: Sequence[DataFile], form: str) -> list[Layout]:
    """The layouts of an assembly's files.

    Raises:
        DuplicateColumnError: Two columns of the report are one CUR 2.0 column.
    """
    if form == CUR2_PARQUET:
        return [Layout(alike, form, *_parquet_values(alike[0].columns)) for alike in _alike(files)]
    places = legacy_places(name for file in files for name, _ in file.columns)
    return [
        Layout(alike, form, *_legacy_values(alike[0].columns, places)) for alike in _alike(files)
    ]


def line_items(layout: Layout, assembly_id: str) -> str:
    """The query that gives a layout's line items in the shape they land in."""
    columns = [f"{literal(assembly_id)} as _assembly_id"]
    for column, kind in CUR_COLUMNS.items():
        value = layout.values.get(column, "null")
        cast = value if kind == "varchar" and value != "null" else f"cast({value} as {kind})"
        columns.append(f"{cast} as {column}")
    return f"select {', '.join(columns)} from {layout.reader()} as delivered"


def totals(some_layouts: Sequence[Layout]) -> str:
    """The query for what an assembly adds up to, by payer and currency, as delivered.

    Columns: payer, currency, lines, unblended cost, net unblended cost and unblended cost of the
    lines without a net one, the same three with each amount rounded as it lands, lines with a net
    one, seconds of the shortest Usage interval.
    """
    wanted = (
        "bill_payer_account_id",
        "line_item_currency_code",
        "line_item_line_item_type",
        "line_item_unblended_cost",
        "line_item_net_unblended_cost",
        "identity_time_interval",
    )
    parts = []
    for layout in some_layouts:
        values = [
            f"cast({layout.values.get(name, 'null')} as varchar) as {name}" for name in wanted
        ]
        parts.append(f"select {', '.join(values)} from {layout.reader()} as delivered")
    return f"""
        select
            bill_payer_account_id,
            line_item_currency_code,
            count(*),
            {_sums("decimal(38,18)")},
            {_sums("decimal(25,10)")},
            count(*) filter (
                where line_item_net_unblended_cost is not null and not ({DISCOUNT_LINE})
            ),
            min(
                date_diff(
                    'second',
                    try_cast(split_part(identity_time_interval, '/', 1) as timestamp),
                    try_cast(split_part(identity_time_interval, '/', 2) as timestamp)
                )
            ) filter (where line_item_line_item_type = 'Usage')
        from ({" union all ".join(parts)})
        group by bill_payer_account_id, line_item_currency_code
        order by bill_payer_account_id, line_item_currency_code
    """


def _sums(kind: str) -> str:
    """What the costs add up to, each cast to a type first."""
    unblended = f"cast(line_item_unblended_cost as {kind})"
    return f"""
            coalesce(sum({unblended}), 0),
            coalesce(sum(cast(line_item_net_unblended_cost as {kind})), 0),
            coalesce(
                sum({unblended}) filter (
                    where line_item_net_unblended_cost is null and not ({DISCOUNT_LINE})
                ),
                0
            )"""


def first_bad_value(layout: Layout, file: DataFile) -> str:
    """The query for the first value of a file that does not fit its column.

    Columns: row (the first below the header is 1), column, value.
    """
    checks = []
    for column, value in layout.values.items():
        kind = CUR_COLUMNS[column]
        if kind in ("varchar", "json"):
            continue
        checks.append(
            f"case when {value} is not null and try_cast({value} as {kind}) is null"
            f" then {{'column': {literal(column)}, 'value': cast({value} as varchar)}} end"
        )
    return f"""
        select row_number, bad.column, bad.value
        from (
            select row_number() over () as row_number, coalesce({", ".join(checks)}) as bad
            from {layout.reader([file.path])} as delivered
        )
        where bad is not null
        order by row_number
        limit 1
    """


def _alike(files: Sequence[DataFile]) -> list[tuple[DataFile, ...]]:
    by_columns = sorted(files, key=lambda file: file.columns)
    return [tuple(group) for _, group in groupby(by_columns, key=lambda file: file.columns)]


def _legacy_values(
    columns: Sequence[tuple[str, str]], places: Mapping[str, Place | None]
) -> tuple[dict[str, str], tuple[str, ...]]:
    values: dict[str, str] = {}
    maps: dict[str, dict[str, str]] = {}
    unknown = []
    for position, (header, _) in enumerate(columns):
        place = places[header]
        value = f"nullif(c{position}, '')"
        if place is None:
            unknown.append(header)
        elif place.key is None:
            values[place.column] = value
        else:
            maps.setdefault(place.column, {})[place.key] = value
    for column, members in maps.items():
        values[column] = _json_of_members(members)
    return values, tuple(unknown)


def _json_of_members(members: Mapping[str, str]) -> str:
    """A JSON object of the members that have a value, keys sorted; NULL if none has one."""
    # concat_ws leaves NULLs out, which to_json gives for a NULL text.
    pairs = [literal(f'"{key}":') + f" || to_json({members[key]})" for key in sorted(members)]
    return f"nfc_normalize(nullif('{{' || concat_ws(',', {', '.join(pairs)}) || '}}', '{{}}'))"


def _parquet_values(
    columns: Sequence[tuple[str, str]],
) -> tuple[dict[str, str], tuple[str, ...]]:
    values: dict[str, str] = {}
    unknown = []
    for name, kind in columns:
        column = name.lower()
        if column not in CUR_COLUMNS:
            unknown.append(name)
        elif column in MAP_COLUMNS:
            values[column] = _json_of_map(quoted(name), kind)
        elif CUR_COLUMNS[column] == "timestamp":
            values[column] = time_of(name, kind)
        else:
            values[column] = text_of(name)
    return values, tuple(unknown)


def _json_of_map(name: str, kind: str) -> str:
    """A JSON object of a map's members that have a value, keys sorted; NULL if none has one."""
    members = f"cast({name} as map(varchar, varchar))"
    if kind in ("VARCHAR", "JSON"):
        members = f"cast(cast(nullif({name}, '') as json) as map(varchar, varchar))"
    kept = f"list_filter(map_entries({members}), lambda member: member.value <> '')"
    text = f"cast(to_json(map_from_entries(list_sort({kept}))) as varchar)"
    return f"nfc_normalize(nullif({text}, '{{}}'))"
