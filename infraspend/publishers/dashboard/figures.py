"""Turns an answer into a figure, a table or the number of a tile."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from infraspend.publishers.dashboard import wording
from infraspend.publishers.dashboard.charts import Answer

Link = Callable[[str, object], str | None]
"""Finds the page of a team or a service, by kind and name."""

_LAST = ("Others", "free")
_STEP_TOTALS = ("invoice", "true_cost")


@dataclass(frozen=True)
class Cell:
    """One cell of a table, or the number of a tile.

    Attributes:
        text: The text.
        link: The page that it leads to, if any.
        is_number: Whether it is set to the right.
    """

    text: str
    link: str | None = None
    is_number: bool = False


@dataclass(frozen=True)
class Table:
    """The table under a chart.

    Attributes:
        head: The headings.
        rows: The rows.
        foot: The last row, their sum; empty if there is none.
    """

    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    foot: tuple[Cell, ...] = ()


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
        shown = wording.money(value, exact=chart.exact, whole=abs(value) >= 1000)
    else:
        shown = wording.cell(value, kind)
    notes = []
    if chart.of is not None and value is not None and (whole := row[answer.place(chart.of)]):
        notes.append(f"{wording.percent(_ratio(value, whole))} of {_whole(whole)}")
    if chart.against is not None:
        before = row[answer.place(chart.against)]
        if value is None or before is None:
            notes.append("the bill is too short to compare")
        else:
            change = value - before
            part = f" ({wording.percent(_ratio(change, before), signed=True)})" if before else ""
            sign = "+" if change > 0 else ""
            notes.append(f"{sign}{_whole(change)}{part}")
    if "note" in answer.columns and (note := row[answer.place("note")]):
        notes.append(wording.name(str(note)))
    return Tile(shown, "; ".join(notes))


def table(answer: Answer, link: Link) -> Table:
    """The table of an answer; where there are series, one column for each of them."""
    if answer.chart.series is not None:
        return _crossed(answer, link)
    chart = answer.chart
    links = chart.links or {}
    rows = []
    for row in answer.rows:
        cells = []
        for column, kind, value in zip(answer.columns, answer.types, row, strict=True):
            to = link(links[column], value) if column in links else None
            text = wording.cell(value, kind, exact=chart.exact)
            cells.append(Cell(text, to, wording.is_number(kind)))
        rows.append(tuple(cells))
    head = tuple(
        Cell(column.replace("_", " "), is_number=wording.is_number(kind))
        for column, kind in zip(answer.columns, answer.types, strict=True)
    )
    return Table(head, tuple(rows), _foot(answer) if chart.total and rows else ())


def _foot(answer: Answer) -> tuple[Cell, ...]:
    """The last row of a table: the sum of its money."""
    chart = answer.chart
    cells = []
    for place, (column, kind) in enumerate(zip(answer.columns, answer.types, strict=True)):
        text = ""
        if column in chart.total:
            amounts = [row[place] for row in answer.rows]
            # A NULL in one row makes the sum unknown.
            total = None if None in amounts else sum(amounts, Decimal())
            text = wording.cell(total, kind, exact=chart.exact)
        cells.append(Cell(text, is_number=wording.is_number(kind)))
    return tuple(cells)


def figure(answer: Answer, link: Link) -> dict[str, Any] | None:
    """The data for the page's script; None for tables and tiles, or without rows."""
    chart = answer.chart
    if chart.kind in ("table", "tile") or not answer.rows:
        return None
    drawn: dict[str, Any] = {"kind": chart.kind, "is_share": _is_share(answer)}
    if chart.kind == "treemap":
        return drawn | {"tree": _tree(answer, link)}
    if chart.kind == "waterfall":
        return drawn | {"steps": _steps(answer)}
    if chart.series is not None:
        xs, names, amounts = _cross(answer)
        return drawn | {
            "x": [_plain(x) for x in xs],
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
        "x": [_plain(row[place]) for row in answer.rows],
        "links": [link(to, row[place]) if to else None for row in answer.rows],
        "series": [
            {
                "name": column.replace("_", " "),
                "values": [_plain(row[answer.place(column)]) for row in answer.rows],
            }
            for column in chart.y
        ],
    }


def _crossed(answer: Answer, link: Link) -> Table:
    """A table with a column for each series, and their sum where it means something."""
    chart = answer.chart
    xs, names, amounts = _cross(answer)
    kind = answer.types[answer.place(chart.y[0])]
    to = (chart.links or {}).get(chart.series or "")
    has_total = chart.kind == "stacked"
    head = [Cell((chart.x or "").replace("_", " "))]
    head += [Cell("total", is_number=True)] if has_total else []
    head += [
        Cell(wording.name(str(name)), link(to, name) if to else None, is_number=True)
        for name in names
    ]
    rows = []
    for x in xs:
        found = [amounts.get((x, name)) for name in names]
        cells = [Cell(wording.cell(x, ""))]
        if has_total:
            total = sum((amount for amount in found if amount is not None), Decimal())
            cells.append(Cell(wording.cell(total, kind), is_number=True))
        cells += [Cell(wording.cell(amount, kind), is_number=True) for amount in found]
        rows.append(tuple(cells))
    return Table(tuple(head), tuple(rows))


def _cross(answer: Answer) -> tuple[list[Any], list[Any], dict[tuple[Any, Any], Any]]:
    """The positions on the axis, the series by size, and the amounts."""
    chart = answer.chart
    x, series, y = (answer.place(name or "") for name in (chart.x, chart.series, chart.y[0]))
    amounts: dict[tuple[Any, Any], Any] = {}
    sums: dict[Any, Decimal] = {}
    for row in answer.rows:
        key, amount = (row[x], row[series]), row[y]
        if amount is None:
            continue
        amounts[key] = amounts.get(key, Decimal()) + amount
        sums[row[series]] = sums.get(row[series], Decimal()) + amount
    names = sorted(sums, key=lambda name: (name in _LAST, -sums[name], str(name)))
    return sorted({row[x] for row in answer.rows}), names, amounts


def _tree(answer: Answer, link: Link) -> list[dict[str, Any]]:
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
                    "link": link(to, row[place]) if to else None,
                    "value": Decimal(),
                    "children": {},
                },
            )
            node["value"] += row[y]
    return _listed(root)


def _listed(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The children of a node, as lists."""
    return [
        {**child, "value": float(child["value"]), "children": _listed(child)}
        for child in node["children"].values()
    ]


def _steps(answer: Answer) -> list[dict[str, Any]]:
    """The steps of a waterfall: where each begins and ends. Totals begin at 0."""
    chart = answer.chart
    x, y = answer.place(chart.x or ""), answer.place(chart.y[0])
    level = Decimal()
    steps = []
    for row in answer.rows:
        is_total = row[x] in _STEP_TOTALS
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


def _whole(amount: Decimal) -> str:
    """An amount in a note: whole dollars where there are many."""
    return wording.money(amount, whole=abs(amount) >= 1000)
