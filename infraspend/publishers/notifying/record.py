"""The record of sent problems: the table `pipeline.problems` of the warehouse.

    select * from pipeline.problems

A problem is sent once. One that is over keeps its row, and is sent again if it comes back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, dataclass, fields, replace
from datetime import date, datetime, timedelta

import duckdb

from infraspend.publishers.notifying.kinds import Kind, Problem

_TABLE = "warehouse.pipeline.problems"
_NEW_DAYS = 28
"""How many days before the last day of the bill a new problem may be to be sent."""

_COLUMNS = {
    "kind": ("varchar not null", "The kind of problem: the name of its .sql in analyses/notify."),
    "problem": ("varchar not null", "What distinguishes it from others of its kind."),
    "recipient": ("varchar not null", "Who is notified: an e-mail address, or a tag."),
    "text": ("varchar not null", "The text that was, or will be, sent."),
    "page": ("varchar not null", "The page of the dashboard with details."),
    "spend": ("decimal(38, 20)", "The spend at stake; NULL if there are none."),
    "happened_on": ("date not null", "The last day of the problem, UTC."),
    "found_at": ("timestamp not null", "When it was found, UTC."),
    "notified_at": ("timestamp", "When it was sent, UTC; NULL if not yet."),
    "digested_at": ("timestamp", "When it was last in a digest, UTC."),
    "resolved_at": ("timestamp", "When it was over, UTC; NULL while it lasts."),
    "resolution_notified_at": ("timestamp", "When its end was sent, UTC; NULL if not yet."),
}


@dataclass(frozen=True)
class Known(Problem):
    """A problem that was found, and what was sent. Its fields are the table's columns."""

    found_at: datetime
    notified_at: datetime | None = None
    digested_at: datetime | None = None
    resolved_at: datetime | None = None
    resolution_notified_at: datetime | None = None

    @property
    def is_new(self) -> bool:
        """It lasts, and nobody was notified."""
        return self.resolved_at is None and self.notified_at is None

    @property
    def is_open(self) -> bool:
        """It lasts, and its recipient was notified."""
        return self.resolved_at is None and self.notified_at is not None

    @property
    def is_over(self) -> bool:
        """It is over, and nobody was notified of that."""
        return self.resolved_at is not None and self.resolution_notified_at is None


def read(connection: duckdb.DuckDBPyConnection) -> list[Known]:
    """All problems found so far.

    Args:
        connection: The warehouse, attached as `warehouse`.
    """
    there = connection.execute(
        "select 1 from duckdb_tables() where database_name = 'warehouse'"
        " and schema_name = 'pipeline' and table_name = 'problems'"
    ).fetchone()
    if there is None:
        return []
    names = ", ".join(field.name for field in fields(Known))
    return [Known(*row) for row in connection.execute(f"select {names} from {_TABLE}").fetchall()]


def write(connection: duckdb.DuckDBPyConnection, problems: Iterable[Known]) -> None:
    """Records problems, replacing their earlier rows; all of them, or none.

    Args:
        connection: The warehouse, attached as `warehouse`, to be written to.
        problems: The problems.
    """
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in _COLUMNS.items())
    values = ", ".join("?" for _ in _COLUMNS)
    connection.execute("begin")
    connection.execute("create schema if not exists warehouse.pipeline")
    connection.execute(
        f"create table if not exists {_TABLE} ({columns}, primary key (kind, problem))"
    )
    for name, (_, text) in _COLUMNS.items():
        connection.execute(f"comment on column {_TABLE}.{name} is '{text}'")
    for one in problems:
        connection.execute(f"insert or replace into {_TABLE} values ({values})", astuple(one))
    connection.execute("commit")


def compared(
    before: Iterable[Known],
    found: Mapping[tuple[str, str], Problem],
    kinds: Mapping[str, Kind],
    last_day: date,
    now: datetime,
) -> list[Known]:
    """The new record, from the earlier one and the problems in the marts.

    A problem is sent to a new recipient, too. One that is more than 28 days old when it is first
    found is not sent; nor is the end of a one-time event.

    Args:
        before: The earlier record.
        found: The present problems.
        kinds: All kinds.
        last_day: The last day of the bill, UTC.
        now: The time, UTC.
    """
    known = {one.key: one for one in before}
    result = []
    for key, problem in found.items():
        old = known.pop(key, None)
        fresh = Known(**asdict(problem), found_at=now)
        if old is None or old.resolved_at is not None:
            if problem.happened_on >= last_day - timedelta(days=_NEW_DAYS):
                result.append(fresh)
            continue
        result.append(
            replace(
                fresh,
                found_at=old.found_at,
                notified_at=old.notified_at if problem.recipient == old.recipient else None,
                digested_at=old.digested_at,
            )
        )
    for old in known.values():
        if old.resolved_at is not None:
            result.append(old)
            continue
        kind = kinds.get(old.kind)
        is_silent = old.notified_at is None or kind is None or kind.resolved is None
        result.append(
            replace(old, resolved_at=now, resolution_notified_at=now if is_silent else None)
        )
    return result
