"""Turns an answer into a figure, a table or the number of a tile."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NamedTuple

from infraspend.publishers.dashboard import wording
from infraspend.publishers.dashboard.charts import Answer

_OTHERS = "Others"
_LAST = (_OTHERS, "free")
_MOST_ROWS = 1000
_MOST_SERIES = 30
_MOST_LEAVES = 150


@dataclass(frozen=True)
class Links:
    """Where a page can lead to.

    Attributes:
        page: Finds the page of a team or a service, by kind and name; None if it has none.
        page_of: The page of each chart, by the chart's name.
        chart: Finds a chart on the same page, or on a page that there is one of, by its name.
    """

    page: Callable[[str, object], str | None]
    page_of: Mapping[str, str]
    chart: Callable[[str], str | None]


class Cell(NamedTuple):
    """One cell of a table, or the number of a tile.

    Attributes:
        text: The text.
        link: The page that it leads to, if any.
        kind: `n` for a number, which is set to the right, `d` for a time; else empty.
    """

    text: str
    link: str | None = None
    kind: str = ""


@dataclass(frozen=True)
class Table:
    """The table under a chart.

    Attributes:
        head: The headings.
        rows: The rows.
        foot: The last row, the sum of all rows; empty if there is none.
        found: How many rows there are, which may be more than are shown.
        weekends: The numbers of the rows that are about a Saturday or Sunday, from 0.
    """

    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    foot: tuple[Cell, ...]
    found: int
    weekends: frozenset[int]


@dataclass(frozen=True)
class Tile:
    """One number and what it is compared with.

    Attributes:
        value: The number.
        note: How it changed, or of what it is a part; empty without either.
    """

    value: str
    note: str


def tile(answer: Answer) -> Tile:
    """The number of a tile: the first row's."""
    if not answer.rows:
        return Tile("\u2013", "")
    chart, row = answer.chart, answer.rows[0]
    value = row[answer.place(chart.y[0])]
    kind = answer.types[answer.place(chart.y[0])]
    if isinstance(value, Decimal) and not wording.is_share(kind):
        shown = wording.money(value, answer.currency, exact=chart.exact, whole=abs(value) >= 1000)
    elif isinstance(value, date):
        shown = f"{value:%-d %b %Y}"
    else:
        shown = wording.cell(value, kind, answer.currency)
    notes = []
    if chart.of is not None and value is not None and (whole := row[answer.place(chart.of)]):
        notes.append(f"{wording.percent(_ratio(value, whole))} of {_whole(whole, answer.currency)}")
    if chart.against is not None:
        before = row[answer.place(chart.against)]
        if value is None or before is None:
            notes.append("the bill is too short to compare")
        else:
            change = value - before
            part = f" ({wording.percent(_ratio(change, before), signed=True)})" if before else ""
            sign = "+" if change > 0 else ""
            notes.append(f"{sign}{_whole(change, answer.currency)}{part}")
    if "note" in answer.columns and (note := row[answer.place("note")]):
        notes.append(wording.name(str(note)))
    return Tile(shown, "; ".join(notes))


def table(answer: Answer, links: Links) -> Table:
    """The table of an answer; where there are series, one column for each of them."""
    if answer.chart.series is not None:
        return _crossed(answer, links)
    chart = answer.chart
    columns = [
        (place, column, kind, _kind(kind, column))
        for place, (column, kind) in enumerate(zip(answer.columns, answer.types, strict=True))
        if column not in chart.hidden
    ]
    rows = [
        tuple(
            Cell(
                _text(row[place], column, kind, answer.currency, exact=chart.exact),
                _leads_to(answer, column, row, links),
                set_as,
            )
            for place, column, kind, set_as in columns
        )
        for row in answer.rows[:_MOST_ROWS]
    ]
    head = tuple(Cell(wording.heading(column), kind=set_as) for _, column, _, set_as in columns)
    foot = tuple(
        Cell(_sum(answer, place, kind) if column in chart.total else "", kind=_kind(kind))
        for place, column, kind, _ in columns
    )
    has_days = answer.columns[0] == "usage_date"
    days = [row[0] for row in answer.rows[:_MOST_ROWS]] if has_days else []
    return Table(
        head,
        tuple(rows),
        foot if chart.total and rows else (),
        len(answer.rows),
        _weekends(days),
    )


def _leads_to(answer: Answer, column: str, row: tuple[Any, ...], links: Links) -> str | None:
    """Where a cell of a table leads to: a page, or for a number its why there."""
    named, whys = answer.chart.links or {}, answer.chart.whys or {}
    if column in named:
        return links.page(named[column], row[answer.place(column)])
    # Nothing adds up to 0, or to what is not known.
    if column in whys and row[answer.place(column)]:
        to = whys[column]
        # The column that names a page of the kind that has the chart.
        kind = links.page_of.get(to, "")
        name = next((name for name, of_kind in named.items() if of_kind == kind), None)
        if name is None:
            return links.chart(to)
        page = links.page(kind, row[answer.place(name)])
        return page and f"{page}#{to}"
    return None


def _text(value: object, column: str, kind: str, currency: str, *, exact: bool = False) -> str:
    """A value of a column as a table shows it."""
    if isinstance(value, str) and wording.is_month(column):
        return wording.month(value)
    return wording.cell(value, kind, currency, exact=exact)


def _kind(type_name: str, column: str = "") -> str:
    """How a cell is set, by its column's type and name."""
    if wording.is_number(type_name):
        return "n"
    return "d" if wording.is_time(type_name) or wording.is_month(column) else ""


def _weekends(days: list[Any]) -> frozenset[int]:
    """Which of some days are Saturdays or Sundays, by their number."""
    return frozenset(
        number
        for number, day in enumerate(days)
        if isinstance(day, date) and not isinstance(day, datetime) and day.weekday() > 4
    )


def _sum(answer: Answer, place: int, kind: str) -> str:
    """The sum of a column of money; a NULL in one row makes it unknown."""
    amounts = [row[place] for row in answer.rows]
    total = None if None in amounts else sum(amounts, Decimal())
    return wording.cell(total, kind, answer.currency, exact=answer.chart.exact)


def figure(answer: Answer, links: Links) -> dict[str, Any] | None:
    """The data for the page's script; None for tables and tiles, or without rows."""
    chart = answer.chart
    if chart.kind in ("table", "tile") or not answer.rows:
        return None
    drawn: dict[str, Any] = {"kind": chart.kind, "is_share": _is_share(answer)}
    if chart.kind == "treemap":
        return drawn | {"tree": _tree(answer, links)}
    if chart.kind == "waterfall":
        return drawn | {"steps": _steps(answer)}
    if chart.series is not None:
        xs, names, amounts = _cross(answer)
        return drawn | {
            "has_names": True,
            "x": [_drawn(x, chart.x or "") for x in xs],
            "series": [
                {
                    "name": wording.name(str(name)),
                    "values": [
                        _plain(amounts.get((x, name), 0 if chart.kind == "stacked" else None))
                        for x in xs
                    ],
                }
                for name in names
            ],
        }
    place = answer.place(chart.x or "")
    to = (chart.links or {}).get(chart.x or "")
    return drawn | {
        "x": [_drawn(row[place], chart.x or "") for row in answer.rows],
        "links": [links.page(to, row[place]) if to else None for row in answer.rows],
        "series": [
            {
                "name": wording.heading(column),
                "values": [_plain(row[answer.place(column)]) for row in answer.rows],
            }
            for column in chart.y
        ],
    }


def _crossed(answer: Answer, links: Links) -> Table:
    """A table with a column for each series, and their sum where it means something."""
    chart = answer.chart
    xs, names, amounts = _cross(answer)
    kind = answer.types[answer.place(chart.y[0])]
    to = (chart.links or {}).get(chart.series or "")
    has_total = chart.kind == "stacked"
    kind_of_x = _kind(answer.types[answer.place(chart.x or "")], chart.x or "")
    head = [Cell(wording.heading(chart.x or ""), kind=kind_of_x)]
    head += [Cell("total", kind="n")] if has_total else []
    head += [
        Cell(wording.name(str(name)), links.page(to, name) if to else None, kind="n")
        for name in names
    ]
    rows = []
    for x in xs:
        found = [amounts.get((x, name)) for name in names]
        cells = [Cell(_text(x, chart.x or "", "", answer.currency), kind=kind_of_x)]
        if has_total:
            total = sum((amount for amount in found if amount is not None), Decimal())
            cells.append(Cell(wording.cell(total, kind, answer.currency), kind="n"))
        cells += [Cell(wording.cell(amount, kind, answer.currency), kind="n") for amount in found]
        rows.append(tuple(cells))
    return Table(tuple(head), tuple(rows), (), len(rows), _weekends(xs))


def _cross(answer: Answer) -> tuple[list[Any], list[Any], dict[tuple[Any, Any], Any]]:
    """The positions on the axis, the series, and the amounts.

    What is stacked is sorted by size, and the smallest are added up where there are too many to
    read; lines keep the order of the SQL.
    """
    chart = answer.chart
    x, series, y = (answer.place(name or "") for name in (chart.x, chart.series, chart.y[0]))
    sums: dict[Any, Decimal] = {}
    for row in answer.rows:
        if row[y] is not None:
            sums[row[series]] = sums.get(row[series], Decimal()) + row[y]
    names = list(sums)
    if chart.kind == "stacked":
        names.sort(key=lambda name: (name in _LAST, -sums[name], str(name)))
    folded: set[Any] = set()
    if chart.kind == "stacked" and len(names) > _MOST_SERIES:
        folded = {*names[_MOST_SERIES - 1 :]}
        names = [*names[: _MOST_SERIES - 1], _OTHERS]
    amounts: dict[tuple[Any, Any], Any] = {}
    for row in answer.rows:
        if row[y] is not None:
            key = (row[x], _OTHERS if row[series] in folded else row[series])
            amounts[key] = amounts.get(key, Decimal()) + row[y]
    return sorted({row[x] for row in answer.rows}), names, amounts


def _tree(answer: Answer, links: Links) -> list[dict[str, Any]]:
    """The nodes of a treemap; amounts that are not positive are in the table only."""
    chart = answer.chart
    y = answer.place(chart.y[0])
    places = [answer.place(column) for column in chart.path]
    root: dict[str, Any] = {"children": {}}
    for row in answer.rows:
        if row[y] <= 0:
            continue
        node = root
        for column, place in zip(chart.path, places, strict=True):
            to = (chart.links or {}).get(column)
            node = node["children"].setdefault(
                row[place],
                {
                    "name": wording.name(str(row[place])),
                    "link": links.page(to, row[place]) if to else None,
                    "value": Decimal(),
                    "children": {},
                },
            )
            node["value"] += row[y]
    return _listed(root)


def _listed(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The children of a node, as lists; where there are too many to see, the smallest as one."""
    children = sorted(node["children"].values(), key=lambda child: -child["value"])
    if len(children) > _MOST_LEAVES:
        rest = children[_MOST_LEAVES - 1 :]
        one: dict[str, Any] = {
            "name": f"{len(rest):,} others",
            "link": None,
            "value": sum((child["value"] for child in rest), Decimal()),
            "children": {},
        }
        children = [*children[: _MOST_LEAVES - 1], one]
    return [
        {**child, "value": float(child["value"]), "children": _listed(child)} for child in children
    ]


def _steps(answer: Answer) -> list[dict[str, Any]]:
    """The steps of a waterfall: where each begins and ends. Those with `is_total` begin at 0."""
    chart = answer.chart
    x, y = answer.place(chart.x or ""), answer.place(chart.y[0])
    total = answer.place("is_total")
    level = Decimal()
    steps = []
    for row in answer.rows:
        is_total = row[total]
        start = Decimal() if is_total else level
        level = row[y] if is_total else level + row[y]
        steps.append(
            {
                "name": wording.name(str(row[x])),
                "start": float(start),
                "end": float(level),
                "amount": float(row[y]),
                "is_total": is_total,
            }
        )
    return steps


def _is_share(answer: Answer) -> bool:
    """Whether shares are drawn, and not money."""
    return bool(answer.chart.y) and wording.is_share(answer.types[answer.place(answer.chart.y[0])])


def _drawn(value: object, column: str) -> object:
    """A position on an axis."""
    if isinstance(value, str) and wording.is_month(column):
        return wording.month(value)
    return _plain(value)


def _plain(value: object) -> object:
    """A value for drawing, as the nearest float."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    return wording.name(value) if isinstance(value, str) else value


def _ratio(part: Decimal, whole: Decimal) -> Decimal:
    """A part of a whole, to ten digits."""
    return (part / abs(whole)).quantize(Decimal("0.0000000001"), ROUND_HALF_EVEN)


def _whole(amount: Decimal, currency: str) -> str:
    """An amount in a note: without cents where it is large."""
    return wording.money(amount, currency, whole=abs(amount) >= 1000)
