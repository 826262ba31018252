"""Finds the problems in the published marts, notifies their recipients, and records that."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import duckdb

from infraspend.builder.records import opened
from infraspend.loaders.clock import utc_now
from infraspend.loaders.errors import InfraspendError, first_line
from infraspend.loaders.result import Progress, silent
from infraspend.loaders.sql import literal
from infraspend.publishers.currency import currency_of
from infraspend.publishers.marts import DATABASE_NAME
from infraspend.publishers.notifying import record
from infraspend.publishers.notifying.kinds import Kind, Problem, problems_of, read_kinds
from infraspend.publishers.notifying.message import Message, compose
from infraspend.publishers.notifying.record import Known
from infraspend.publishers.notifying.services import Services, as_text

_SOURCES = {"pipeline": "warehouse.pipeline"}
_PERIODS: dict[str, Callable[[datetime], tuple[int, ...]]] = {
    "day": lambda moment: (moment.toordinal(),),
    "week": lambda moment: moment.isocalendar()[:2],
}
"""The day or week of a digest, UTC."""


@dataclass(frozen=True)
class Notified:
    """The result of sending the messages.

    Attributes:
        sent: The recipients of messages sent, or, in a dry run, to send.
        texts: The messages as plain text, each with its title: of a dry run.
        unreached: Recipient -> why a service did not accept the message.
    """

    sent: tuple[str, ...]
    texts: tuple[str, ...]
    unreached: Mapping[str, str]


def notify(
    published: Path,
    warehouse: Path,
    project: Path,
    services: Path,
    *,
    dashboard: str | None = None,
    digest: str | None = None,
    dry_run: bool = False,
    progress: Progress = silent,
) -> Notified:
    """Notifies people of the problems in the published marts: once, and when they are over.

    The warehouse is locked meanwhile. The next run sends a message again that no service accepted,
    or after which the process was killed before it was recorded.

    Args:
        published: The directory that was published to.
        warehouse: The warehouse, which records sent messages.
        project: The root of the dbt project, whose `analyses/notify/` declares the problems.
        services: The file of services to send to.
        dashboard: The URL of the dashboard, for links.
        digest: `day` or `week`: one message in each, which repeats open problems.
        dry_run: Send and record nothing.
        progress: Gets a line about each message.

    Raises:
        InfraspendError: Nothing was published, a kind of problem is declared wrongly, the file of
            services cannot be used, or the warehouse cannot be opened.
    """
    reached = Services(services) if services.exists() or not dry_run else None
    now = utc_now().replace(microsecond=0)
    sent, texts, unreached = [], [], {}
    with _opened(published, warehouse, read_only=dry_run) as connection:
        kinds = read_kinds(project, _marts(connection), _SOURCES)
        currency = currency_of(connection)
        found: dict[tuple[str, str], Problem] = {}
        for kind in kinds.values():
            progress(kind.title)
            found |= {problem.key: problem for problem in problems_of(connection, kind, currency)}
        known = record.compared(record.read(connection), found, kinds, _last_day(connection), now)
        if not dry_run:
            record.write(connection, known)
        for message in _messages(known, kinds, currency, dashboard, digest, now):
            if dry_run:
                why = reached.why_not(message.recipient) if reached else None
                failures = [why] if why else []
                texts.append(f"To {message.recipient}: {message.title}\n\n{as_text(message.html)}")
                is_sent = not failures
            else:
                assert reached is not None
                progress(f"to {message.recipient}")
                is_sent, failures = reached.send(message)
            if failures:
                unreached[message.recipient] = "; ".join(failures)
            if is_sent:
                sent.append(message.recipient)
                if not dry_run:
                    record.write(connection, _noted(message, digest, now))
    return Notified(tuple(sent), tuple(texts), unreached)


def _messages(
    known: Iterable[Known],
    kinds: Mapping[str, Kind],
    currency: str,
    dashboard: str | None,
    digest: str | None,
    now: datetime,
) -> Iterator[Message]:
    """The messages, one recipient after the other."""
    by_recipient: dict[str, list[Known]] = {}
    for one in known:
        by_recipient.setdefault(one.recipient, []).append(one)
    for recipient, problems in sorted(by_recipient.items()):
        if digest:
            period = _PERIODS[digest]
            last = max((one.digested_at for one in problems if one.digested_at), default=None)
            if last is not None and period(last) == period(now):
                continue
        if message := compose(recipient, problems, kinds, currency, dashboard, digest):
            yield message


def _noted(message: Message, digest: str | None, now: datetime) -> list[Known]:
    """The record after a message was sent."""
    return [
        replace(
            one,
            notified_at=now if one.is_new else one.notified_at,
            resolution_notified_at=now if one.is_over else one.resolution_notified_at,
            digested_at=now if digest else one.digested_at,
        )
        for one in (*message.reported, *message.repeated)
    ]


@contextmanager
def _opened(
    published: Path, warehouse: Path, *, read_only: bool
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file, as the default database, and the warehouse, attached as `warehouse`."""
    database = published / DATABASE_NAME
    if not database.is_file():
        raise InfraspendError(f"{database} is not there: run infraspend publish, or name --from")
    with opened(warehouse, read_only=read_only) as connection:
        try:
            connection.execute(f"attach {literal(str(database))} as published (read_only)")
            connection.execute("use published")
            yield connection
            connection.execute("use memory")
        except duckdb.IOException as error:
            raise InfraspendError(
                f"{database} cannot be read ({first_line(error)}): publish it again"
            ) from error


def _marts(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The marts that were published, by name."""
    found = connection.execute(
        "select table_name from duckdb_tables() where database_name = 'published'"
        " and schema_name = 'marts'"
    ).fetchall()
    return frozenset(name for (name,) in found)


def _last_day(connection: duckdb.DuckDBPyConnection) -> date:
    """The last day of the bill, UTC; today if there is none."""
    row = connection.execute("select max(usage_date) from marts.daily_spend").fetchone()
    found: date | None = row[0] if row else None
    return found or utc_now().date()
