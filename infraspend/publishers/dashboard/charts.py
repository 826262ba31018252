"""Reads the charts that `analyses/dashboard/` declares, and queries the published file for each.

A chart is a `.sql` with dbt's `ref()` and an entry under `analyses:` in a yml beside it, whose
`config.meta.dashboard` names its page and how it is drawn. A chart reads only the published file,
so its SQL can be copied and run on that file. It may call the macros of the
project that `queries.MACROS` names, and `carried_columns`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import duckdb

from infraspend.loaders.errors import InfraspendError, first_line
from infraspend.projects import roots_of
from infraspend.publishers.currency import currency_of
from infraspend.publishers.queries import Declared, on_published, read_declared

FOLDER = Path("analyses") / "dashboard"
"""Where charts are declared, in the dbt project."""

KINDS = ("tile", "stacked", "lines", "bars", "grouped", "waterfall", "treemap", "table")
"""How a chart can be drawn."""

PAGES = (
    *("overview", "teams", "services", "platforms", "migration"),
    *("machine_learning", "commitments", "invoice", "pipeline", "team", "service"),
)
"""The pages; `team` and `service` are one page for each."""


@dataclass(frozen=True)
class Chart:
    """One query of the marts, and how its answer is shown.

    Attributes:
        name: The name of its `.sql`.
        page: Its page.
        kind: How it is drawn, one of `KINDS`.
        title: Its heading.
        description: What it shows and what is left out, in a sentence or two.
        sql: Its SQL, as it runs on the published file.
        order: Its position on the page, from low to high.
        x: The column along the axis.
        y: The columns that are drawn.
        series: The column whose values are drawn as series of their own.
        path: The columns of a treemap, from outer to inner.
        each: On the pages of teams and services, the column that names the page.
        links: Which columns link to pages, and to which: `team` or `service`.
        against: For a tile, the column that it is compared with.
        of: For a tile, the column that it is a part of.
        why: For a tile, the chart whose rows add up to its number.
        whys: Which columns have numbers that open their why, and the chart that is it: on the page
            of the row's team or service, on the same page, or on one that there is one of.
        month: The column whose month stands in the heading.
        hidden: The columns that are drawn with and not shown in the table.
        exact: Whether money is shown to the last digit and not to the cent.
        total: The columns that a last row of the table adds up.
        empty: The text if there are no rows: why, and what to do.
        optional: Whether nothing is shown if there are no rows.
    """

    name: str
    page: str
    kind: str
    title: str
    description: str
    sql: str
    order: int = 0
    x: str | None = None
    y: tuple[str, ...] = ()
    series: str | None = None
    path: tuple[str, ...] = ()
    each: str | None = None
    links: Mapping[str, str] | None = None
    against: str | None = None
    of: str | None = None
    why: str | None = None
    whys: Mapping[str, str] | None = None
    month: str | None = None
    hidden: tuple[str, ...] = ()
    exact: bool = False
    total: tuple[str, ...] = ()
    empty: str = "The published marts have no rows for this."
    optional: bool = False

    @property
    def columns_named(self) -> set[str]:
        """The columns that its entry names."""
        named = {self.x, self.series, self.each, self.against, self.of, self.month}
        named |= {*self.y, *self.path, *self.total, *self.hidden}
        named |= {*(self.links or {}), *(self.whys or {})}
        return {name for name in named if name is not None}


@dataclass(frozen=True)
class Answer:
    """The answer of the published file to a chart's query.

    Attributes:
        chart: The chart.
        columns: The names of the columns.
        types: Their types, as DuckDB writes them.
        rows: The rows; for a chart on many pages, those of all of them.
        currency: The code of the currency that amounts are in.
    """

    chart: Chart
    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    currency: str

    def place(self, column: str) -> int:
        """The position of a column."""
        return self.columns.index(column)

    def by_page(self) -> "dict[str, Answer]":
        """The answer of each page, by the page's team or service; without that column."""
        place = self.place(self.chart.each or "")
        rows: dict[str, list[tuple[Any, ...]]] = {}
        for row in self.rows:
            rows.setdefault(row[place], []).append((*row[:place], *row[place + 1 :]))
        columns = (*self.columns[:place], *self.columns[place + 1 :])
        types = (*self.types[:place], *self.types[place + 1 :])
        return {
            key: Answer(self.chart, columns, types, found, self.currency)
            for key, found in rows.items()
        }

    def nothing(self) -> "Answer":
        """The answer of a page that has no rows."""
        place = self.place(self.chart.each or "")
        columns = (*self.columns[:place], *self.columns[place + 1 :])
        types = (*self.types[:place], *self.types[place + 1 :])
        return Answer(self.chart, columns, types, [], self.currency)


def read_charts(
    project: Path, published: Iterable[str], carried: Iterable[str] = ()
) -> list[Chart]:
    """Reads every chart that the project declares, in the order in which they are shown.

    Args:
        project: The root of the dbt project.
        published: The names of the marts that the published file holds.
        carried: The columns that its enriched_spend carries, by the variable `carry_columns`.

    Raises:
        InfraspendError: An entry or a `.sql` is missing or wrong, or reads what is not published.
    """
    declared = [one for root in roots_of(project) for one in read_declared(root / FOLDER)]
    if not declared:
        raise InfraspendError(f"{project / FOLDER} declares no charts")
    marts = frozenset(published)
    charts = [_chart(one, marts, tuple(carried)) for one in declared]
    _check_whys(charts)
    return sorted(charts, key=lambda chart: (PAGES.index(chart.page), chart.order, chart.name))


def _check_whys(charts: Iterable[Chart]) -> None:
    """A number opens a chart of its own page, of one that there is one of, or of a row's name."""
    pages = {chart.name: chart.page for chart in charts}
    for chart in charts:
        allowed = {chart.page, *PAGES} - ({"team", "service"} - {chart.page})
        named = set((chart.links or {}).values())
        whys = [(chart.why, allowed)] if chart.why else []
        whys += [(why, allowed | named) for why in (chart.whys or {}).values()]
        for why, of_pages in whys:
            if pages.get(why) not in of_pages:
                raise InfraspendError(
                    f"{FOLDER / chart.name}.sql: its why is {why}, and no chart of that name is"
                    " where it can lead"
                )


def ask(
    connection: duckdb.DuckDBPyConnection, chart: Chart, pages: list[str] | None = None
) -> Answer:
    """Queries the published file for a chart.

    Args:
        connection: The published file, open.
        chart: The chart.
        pages: For a chart on many pages, their teams or services; default all.

    Raises:
        InfraspendError: The file lacks a column, or the SQL is wrong.
    """
    statement = chart.sql
    if chart.each is not None and pages is not None:
        # The subquery keeps its order: nothing here sorts.
        statement = f'select * from (\n{chart.sql}\n) where "{chart.each}" in (select unnest($1))'
    try:
        answer = connection.execute(statement, [pages] if statement != chart.sql else [])
        described = answer.description or []
        rows = answer.fetchall()
    except duckdb.Error as error:
        raise InfraspendError(
            f"{FOLDER / chart.name}.sql does not run on the published file"
            f" ({first_line(error)}): it is "
            "of another version, publish it again, or the SQL is wrong"
        ) from error
    columns = tuple(str(column[0]) for column in described)
    if missing := sorted(chart.columns_named - set(columns)):
        raise InfraspendError(f"{FOLDER / chart.name}.sql has no column {missing[0]}")
    types = tuple(str(column[1]) for column in described)
    return Answer(chart, columns, types, rows, currency_of(connection))


def _chart(declared: Declared, marts: frozenset[str], carried: tuple[str, ...]) -> Chart:
    """A chart, from its `.sql` and its entry."""
    sql, yml = declared.sql, declared.yml
    meta = dict(declared.meta.get("dashboard") or {})
    known = {field.name for field in fields(Chart)} - {"name", "sql", "description"}
    if unknown := sorted(meta.keys() - known):
        raise InfraspendError(f"{yml}: {sql.stem} has {unknown[0]!r}, which no chart has")
    for key, allowed in (("kind", KINDS), ("page", PAGES)):
        if meta.get(key) not in allowed:
            raise InfraspendError(f"{yml}: the {key} of {sql.stem} is none of {', '.join(allowed)}")
    if (meta["page"] in ("team", "service")) != ("each" in meta):
        raise InfraspendError(
            f"{yml}: {sql.stem}: pages team and service, and only they, have each"
        )
    for key in ("y", "path", "total", "hidden"):
        if key in meta:
            meta[key] = (meta[key],) if isinstance(meta[key], str) else tuple(meta[key])
    return Chart(
        name=sql.stem,
        description=" ".join(str(declared.entry.get("description") or "").split()),
        sql=on_published(sql.parents[2], sql, marts, carried=carried),
        **{"title": sql.stem.replace("_", " "), **meta},
    )
