"""The simulated hours and the billing periods they fall into.

All times are UTC and carry no time zone, as in the warehouse. Intervals are half-open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

#: The simulation ends here whenever it is run: the same days hold the same dollars for ever.
LAST_DAY = date(2026, 11, 20)
#: What has no beginning was there before all that can be simulated.
BEGINNING = datetime(2006, 1, 1)  # noqa: DTZ001 - plain UTC, as everywhere
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HOURS_OF_A_DAY = 24


@dataclass(frozen=True)
class Period:
    """A billing period: one calendar month."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, moment: datetime) -> Period:
        """The month that a moment falls into."""
        start = datetime.combine(moment.replace(day=1), datetime.min.time())
        return cls(start, (start + 31 * DAY).replace(day=1))

    @property
    def name(self) -> str:
        """The month as `YYYY-MM`."""
        return f"{self.start:%Y-%m}"


@dataclass(frozen=True)
class Span:
    """What one line of the bill is for: an hour, or a day of the history whose hours are alike."""

    start: datetime
    hours: int = 1

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.hours * HOUR

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return self.start + self.length


@dataclass(frozen=True)
class Window:
    """The days that are simulated, up to and including `LAST_DAY`: the last ones hour by hour.

    With `months` of history before them, which are billed by the day, the month that the hours
    begin in is simulated from its first hour on.
    """

    days: int
    months: int = 0

    @property
    def end(self) -> datetime:
        """The first moment that is not simulated."""
        return datetime.combine(LAST_DAY, datetime.min.time()) + DAY

    @property
    def hourly_from(self) -> datetime:
        """The first hour that is simulated by itself: what was before is history."""
        first = self.end - self.days * DAY
        return Period.of(first).start if self.months else first

    @property
    def start(self) -> datetime:
        """The first simulated hour."""
        start = self.hourly_from
        for _ in range(self.months):
            start = Period.of(start - DAY).start
        return start

    def is_history(self, period: Period) -> bool:
        """Whether a billing period is history."""
        return period.end <= self.hourly_from

    def periods(self) -> list[Period]:
        """The billing periods that hold a simulated hour, in order."""
        return sorted(
            {Period.of(self.start + index * DAY) for index in range((self.end - self.start).days)},
            key=lambda period: period.start,
        )

    def within(self, period: Period, since: datetime | None = None) -> tuple[datetime, datetime]:
        """The simulated part of a period that lies at or after `since`."""
        return max(self.start, period.start, since or self.start), min(self.end, period.end)


def utc(text: str) -> datetime:
    """The moment that a text in ISO 8601 names, in UTC and without saying so."""
    return datetime.fromisoformat(text)


@cache
def stamp(moment: datetime) -> str:
    """A moment as AWS writes it in a report: `2026-11-20T13:00:00Z`."""
    return f"{moment.isoformat()}Z"


def is_working_hours(hour: datetime) -> bool:
    """Whether the company's riders are awake: the demand of a day follows it."""
    return 7 <= hour.hour < 22
