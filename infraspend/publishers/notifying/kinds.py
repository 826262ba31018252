"""Reads the kinds of problems that `analyses/notify/` declares, and queries the marts for each.

A kind is a `.sql` with dbt's `ref()` and an entry under `analyses:` in a yml beside it, whose
`config.meta.notify` has the wording of a problem. Each row of the query is a problem.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from infraspend.loaders.errors import InfraspendError, first_line
from infraspend.projects import roots_of
from infraspend.publishers.dashboard.site import address_of
from infraspend.publishers.dashboard.wording import cell
from infraspend.publishers.queries import on_published, read_declared

FOLDER = Path("analyses") / "notify"
"""Where kinds of problems are declared, in the dbt project."""

FINOPS = "finops"
"""The recipient of problems without an owner."""

_NEEDED = ("recipient", "problem", "happened_on")
_COLUMN = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class Kind:
    """A query of the marts whose rows are problems, and their wording.

    Attributes:
        name: The name of its `.sql`.
        sql: Its SQL, as it runs on the published file beside the warehouse.
        title: The heading of such problems.
        says: Sentences that name columns in braces; one is left out where such a column is NULL.
        resolved: The heading of those that are over; None for one-time events.
        page: The page of the dashboard with details.
        each: For the pages of teams and services, the column that names the page.
        order: Its position in a message, from low to high.
    """

    name: str
    sql: str
    title: str
    says: tuple[str, ...]
    resolved: str | None = None
    page: str = "overview"
    each: str | None = None
    order: int = 0


@dataclass(frozen=True)
class Problem:
    """A problem to notify somebody of.

    Attributes:
        kind: The name of its kind.
        problem: What identifies it among others of its kind, for as long as it lasts.
        recipient: Who is notified: an e-mail address, or a tag.
        text: Its description, in a few sentences; all characters are visible.
        page: The page of the dashboard with details, from its root.
        spend: The spend at stake, exact; None if there are none or unknown.
        happened_on: The last day of the problem, UTC.
    """

    kind: str
    problem: str
    recipient: str
    text: str
    page: str
    spend: Decimal | None
    happened_on: date

    @property
    def key(self) -> tuple[str, str]:
        """Its key."""
        return self.kind, self.problem


def read_kinds(project: Path, marts: frozenset[str], sources: Mapping[str, str]) -> dict[str, Kind]:
    """Every kind of problem that the project declares, by name, in the order of a message.

    Args:
        project: The root of the dbt project.
        marts: The names of the marts that the published file holds.
        sources: The sources beside that file, and the schema of each.

    Raises:
        InfraspendError: An entry or a `.sql` is missing or wrong, or reads what is not available.
    """
    kinds = [
        _kind(
            one.sql,
            one.meta.get("notify") or {},
            on_published(root, one.sql, marts, sources),
        )
        for root in roots_of(project)
        for one in read_declared(root / FOLDER)
    ]
    return {kind.name: kind for kind in sorted(kinds, key=lambda kind: (kind.order, kind.name))}


def problems_of(
    connection: duckdb.DuckDBPyConnection, kind: Kind, currency: str
) -> Iterator[Problem]:
    """The present problems of a kind in the marts.

    Args:
        connection: The published file, open, beside the warehouse.
        kind: The kind.
        currency: The code of the currency that amounts are in.

    Raises:
        InfraspendError: The marts lack a column, or the SQL is wrong.
    """
    where = f"{FOLDER / kind.name}.sql"
    try:
        answer = connection.execute(kind.sql)
        described = answer.description or []
        rows = answer.fetchall()
    except duckdb.Error as error:
        raise InfraspendError(
            f"{where} does not run on what was published ({first_line(error)}): that is of another"
            " version, publish it again, or the SQL is wrong"
        ) from error
    names = [str(column[0]) for column in described]
    named = {name for sentence in kind.says for name in _COLUMN.findall(sentence)}
    if missing := [
        name for name in (*_NEEDED, *sorted(named), kind.each) if name and name not in names
    ]:
        raise InfraspendError(f"{where} has no column {missing[0]}")
    types = dict(zip(names, (str(column[1]) for column in described), strict=True))
    for values in rows:
        row = dict(zip(names, values, strict=True))
        shown = {
            name: _text(value, types[name], currency)
            for name, value in row.items()
            if value is not None
        }
        yield Problem(
            kind=kind.name,
            problem=str(row["problem"]),
            recipient=str(row["recipient"] or FINOPS).strip(),
            text=" ".join(_sentences(kind, shown)),
            page=address_of(kind.page, row[kind.each] if kind.each else None),
            spend=row.get("spend"),
            happened_on=row["happened_on"],
        )


def _sentences(kind: Kind, shown: Mapping[str, str]) -> Iterator[str]:
    """The text of a problem, sentence by sentence."""
    for sentence in kind.says:
        if all(name in shown for name in _COLUMN.findall(sentence)):
            # In one step, so that braces in a value are literal.
            yield _COLUMN.sub(lambda found: shown[found[1]], sentence)


def _kind(path: Path, meta: Mapping[str, Any], sql: str) -> Kind:
    """A kind, from its `.sql` and its entry."""
    known = {field.name for field in fields(Kind)} - {"name", "sql"}
    if unknown := sorted(meta.keys() - known):
        raise InfraspendError(f"{path.parent}: {path.stem} has {unknown[0]!r}, which no kind has")
    if missing := [key for key in ("title", "says") if not meta.get(key)]:
        raise InfraspendError(f"{path.parent}: {path.stem} has no {missing[0]}")
    try:
        address_of(str(meta.get("page", "overview")), "any")
    except KeyError as error:
        raise InfraspendError(f"{path.parent}: {path.stem}: there is no page {error}") from error
    return Kind(name=path.stem, sql=sql, **{**meta, "says": tuple(meta["says"])})


def _text(value: object, type_name: str, currency: str) -> str:
    """A value as text; days as YYYY-MM-DD, so that periods read alike in a sentence."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    return cell(value, type_name, currency)
