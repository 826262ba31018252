"""Writes the pages of the dashboard, all of them or none.

A page is one HTML file with its numbers in it, and shares three files with others: a style sheet, a
script and the library that draws. No page loads anything outside its folder, and the content
security policy in each page enforces this, and forbids inline scripts. Labels are escaped
everywhere.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import jinja2
from markupsafe import Markup

from infraspend.loaders.errors import InfraspendError, first_line
from infraspend.loaders.local import emptied, locked
from infraspend.loaders.result import Progress, Step, silent
from infraspend.projects import package_of, read_yml
from infraspend.publishers.currency import sign_of
from infraspend.publishers.dashboard import figures, wording
from infraspend.publishers.dashboard.charts import Answer, Chart, ask, read_charts
from infraspend.publishers.marts import DATABASE_NAME

_HERE = Path(__file__).parent
_MARK = ".infraspend-dashboard"
_MOST_PAGES = 1000
_NAVIGATION = {
    "overview": ("index.html", "Overview"),
    "teams": ("teams.html", "Teams"),
    "services": ("services.html", "Services"),
    "platforms": ("platforms.html", "Platforms"),
    "migration": ("migration.html", "Migration"),
    "machine_learning": ("machine-learning.html", "Machine learning"),
    "commitments": ("commitments.html", "Commitments"),
    "invoice": ("invoice.html", "Invoice"),
    "pipeline": ("pipeline.html", "Pipeline"),
}
_MANY = {"team": "teams", "service": "services"}
_CARRIES = "enriched_spend"


@dataclass(frozen=True)
class Dashboard:
    """What was written.

    Attributes:
        index: The page to open first.
        pages: How many pages there are.
        without_page: How many teams and services have no page, those with the least spend.
    """

    index: Path
    pages: int
    without_page: dict[str, int]


def write_dashboard(
    published: Path, to: Path, project: Path, progress: Progress = silent
) -> Dashboard:
    """Writes the dashboard of the published marts.

    Args:
        published: The directory that the marts were published to.
        to: The directory to write to. It is replaced as a whole, so that readers see either the old
            pages or the new ones.
        project: The root of the dbt project, whose `analyses/dashboard/` declares the charts.
        progress: Gets a line about every page of a team or service.

    Returns:
        What was written.

    Raises:
        InfraspendError: Nothing was published, or by another version; a chart is declared wrongly;
            or the directory has other files, or cannot be written.
    """
    database = published / DATABASE_NAME
    if not database.is_file():
        raise InfraspendError(f"{database} is not there: run infraspend publish, or name --from")
    # What a link leads to is replaced, not the link.
    to = to.resolve()
    _check_target(to)
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            marts = connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'marts'"
            ).fetchall()
            carried = _carried(connection, project)
            charts = read_charts(project, (mart for (mart,) in marts), carried)
            answers, without_page = _answers(connection, charts)
            made = connection.execute(
                "select strftime(published_at, '%-d %b %Y %H:%M') from build"
            ).fetchall()
    except duckdb.Error as error:
        raise InfraspendError(
            f"{database} cannot be read ({first_line(error)}): publish it again"
        ) from error
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        busy = f"{to} is being written by another run: wait for it to end"
        with locked(to.with_name(f".{to.name}.lock"), busy):
            pages = _replace(to, answers, str(made[0][0]), progress)
    except OSError as error:
        raise InfraspendError(f"{to}: cannot write the dashboard here ({error})") from error
    return Dashboard(to / "index.html", pages, without_page)


def address_of(page: str, name: str | None = None) -> str:
    """The path of a page, from the root of the dashboard.

    Args:
        page: One of `charts.PAGES`.
        name: The name of the team or service.
    """
    if page in _MANY:
        return f"{_MANY[page]}/{wording.file_name(name or '')}"
    return _NAVIGATION[page][0]


def _replace(to: Path, answers: list[Answer], published_at: str, progress: Progress) -> int:
    """Writes the pages beside the directory, then replaces it; returns how many."""
    aside = to.with_name(f".{to.name}.aside")
    old, new = aside / "old", aside / "new"
    if old.exists() and not to.exists():
        # A run was killed between the two renames.
        old.rename(to)
    emptied(aside)
    new.mkdir()
    try:
        pages = _write(new, answers, published_at, progress)
        if to.exists():
            to.rename(old)
        new.rename(to)
    finally:
        if to.exists():
            shutil.rmtree(aside, ignore_errors=True)
    return pages


def _check_target(to: Path) -> None:
    """Refuses to replace a directory that is no dashboard."""
    if to.is_dir() and not (to / _MARK).is_file() and any(to.iterdir()):
        raise InfraspendError(f"{to} holds something else than a dashboard: name another --to")
    if to.exists() and not to.is_dir():
        raise InfraspendError(f"{to} is a file: name a directory with --to")


def _carried(connection: duckdb.DuckDBPyConnection, project: Path) -> list[str]:
    """The columns of the report that the published marts carry: those that no model declares."""
    path = package_of(project) / "models" / "marts" / f"{_CARRIES}.yml"
    if not path.is_file():
        return []
    (model,) = read_yml(path)["models"]
    found = connection.execute(
        "select column_name from duckdb_columns() where schema_name = 'marts' and table_name = ?"
        " order by column_index",
        [_CARRIES],
    ).fetchall()
    declared = {column["name"] for column in model["columns"]}
    return [name for (name,) in found if name not in declared]


def _answers(
    connection: duckdb.DuckDBPyConnection, charts: list[Chart]
) -> tuple[list[Answer], dict[str, int]]:
    """Every chart's answer; for teams and services, those with a page.

    Also how many of them are left without a page.
    """
    shown: dict[str, list[str]] = {}
    without_page = {}
    answers = []
    for chart in charts:
        if chart.each is None:
            answers.append(ask(connection, chart))
            continue
        if chart.page not in shown:
            # The first chart of these pages lists them, the largest spend first.
            answer = ask(connection, chart)
            place = answer.place(chart.each)
            found = list(dict.fromkeys(row[place] for row in answer.rows))
            shown[chart.page] = found[:_MOST_PAGES]
            if len(found) > _MOST_PAGES:
                without_page[_MANY[chart.page]] = len(found) - _MOST_PAGES
        answers.append(ask(connection, chart, shown[chart.page]))
    return answers, without_page


def _write(folder: Path, answers: list[Answer], published_at: str, progress: Progress) -> int:
    """Writes every page and the shared files; returns how many pages there are."""
    many: dict[str, dict[str, dict[Chart, Answer]]] = {kind: {} for kind in _MANY}
    for answer in answers:
        if answer.chart.each is None:
            continue
        for key, part in answer.by_page().items():
            many[answer.chart.page].setdefault(key, {})[_key(answer)] = part
    pages = _Pages(
        folder,
        files={kind: {key: wording.file_name(key) for key in many[kind]} for kind in _MANY},
        page_of={answer.chart.name: answer.chart.page for answer in answers},
        published_at=published_at,
        currency=answers[0].currency,
    )
    total = len(pages.shown & _NAVIGATION.keys()) + sum(map(len, many.values()))
    for page, (file, title) in _NAVIGATION.items():
        if page in pages.shown:
            progress(Step(title, pages.count, total))
            here = [answer for answer in answers if answer.chart.page == page]
            pages.write(file, title, page, here)
    for kind, section in _MANY.items():
        progress(Step(f"{len(many[kind])} {section}", pages.count, total))
        of_kind = [answer for answer in answers if answer.chart.page == kind]
        for key, parts in many[kind].items():
            here = [parts.get(_key(answer)) or answer.nothing() for answer in of_kind]
            pages.write(f"{section}/{pages.files[kind][key]}", key, section, here, kind)
    assets = folder / "assets"
    assets.mkdir()
    for path in sorted((_HERE / "assets").iterdir()):
        shutil.copyfile(path, assets / path.name)
    for name in ("echarts.min.js", "LICENSE", "NOTICE"):
        to = name if name.endswith(".js") else f"echarts.{name}.txt"
        shutil.copyfile(_HERE / "vendor" / name, assets / to)
    (folder / _MARK).write_text("This directory is replaced whole by `infraspend dashboard`.\n")
    return pages.count


def _key(answer: Answer) -> Any:
    """The id of a chart."""
    return answer.chart.name


class _Pages:
    """Writes pages that link to each other."""

    def __init__(
        self,
        folder: Path,
        files: dict[str, dict[str, str]],
        page_of: dict[str, str],
        published_at: str,
        currency: str,
    ) -> None:
        self.folder = folder
        self.published_at = published_at
        self.currency = currency
        self.files = files
        self.page_of = page_of
        self.shown = set(page_of.values())
        self.count = 0
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._template = environment.get_template("page.html.jinja")
        for section in _MANY.values():
            (folder / section).mkdir()

    def write(
        self, file: str, title: str, section: str, answers: list[Answer], kind: str = ""
    ) -> None:
        """Writes one page."""
        root = "../" * file.count("/")

        def link(what: str, name: object) -> str | None:
            to = self.files[what].get(str(name))
            return None if to is None else f"{root}{_MANY[what]}/{to}"

        def to_chart(name: str) -> str | None:
            page = self.page_of.get(name)
            if page == (kind or section):
                return f"#{name}"
            return f"{root}{_NAVIGATION[page][0]}#{name}" if page in _NAVIGATION else None

        links = figures.Links(link, self.page_of, to_chart)
        tiles = []
        shown = []
        drawn = {}
        for answer in answers:
            chart = answer.chart
            if chart.optional and not answer.rows:
                continue
            heading = _title(answer)
            if chart.kind == "tile":
                tile = figures.tile(answer)
                why = chart.why and to_chart(chart.why)
                tiles.append({"chart": chart, "title": heading, "tile": tile, "why": why})
                continue
            figure = figures.figure(answer, links)
            if figure is not None:
                drawn[chart.name] = figure
            read = figures.table(answer, links)
            shown.append(
                {"chart": chart, "title": heading, "table": read, "is_drawn": figure is not None}
            )
        navigation = [
            {"href": root + to, "text": text, "is_here": page == section}
            for page, (to, text) in _NAVIGATION.items()
            if page in self.shown
        ]
        text = self._template.render(
            title=wording.name(title),
            whole_title=wording.visible(title) if wording.name(title) != title else "",
            kind=kind,
            root=root,
            published_at=self.published_at,
            currency=self.currency,
            sign=sign_of(self.currency),
            navigation=navigation,
            tiles=tiles,
            figures=shown,
            data=_script_safe(drawn),
        )
        (self.folder / file).write_text(text, encoding="utf-8")
        self.count += 1


def _title(answer: Answer) -> str:
    """The heading of a chart, with its month where it has one."""
    chart = answer.chart
    if chart.month is None or not answer.rows:
        return chart.title
    month = answer.rows[0][answer.place(chart.month)]
    return f"{chart.title}, {wording.month(str(month))}"


def _script_safe(value: object) -> Markup:
    """A value as JSON that cannot end its HTML element."""
    text = json.dumps(value, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
