"""Runs the simulation: hour by hour, and more than one company a subsidiary at a time."""

from __future__ import annotations

import gc
import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from infraspend import INSTALLED
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.result import Step
from infraspend.simulation.clock import DAY, HOUR, HOURS_OF_A_DAY, Period, Window, utc
from infraspend.simulation.deliveries.bill import (
    DAILY,
    HOURLY,
    Delivery,
    ExportDelivery,
    LegacyDelivery,
)
from infraspend.simulation.deliveries.collections import write_collection
from infraspend.simulation.deliveries.platforms import write_schedules, write_usage
from infraspend.simulation.group import Totals, write_group
from infraspend.simulation.names import MOST_SUBSIDIARIES
from infraspend.simulation.plan import pushed, ready_made
from infraspend.simulation.plan.chance import Chance
from infraspend.simulation.plan.charges import Bill, Charge, Columns
from infraspend.simulation.plan.clusters import ClusterHour, Clusters
from infraspend.simulation.plan.commitments import Commitments
from infraspend.simulation.plan.company_history import delivery_name
from infraspend.simulation.plan.machines import Machines
from infraspend.simulation.plan.pushed import Usage
from infraspend.simulation.plan.ready_made import Published
from infraspend.simulation.truth.truth import Truth

SEEDS = (INSTALLED / "seeds").resolve()
"""What the simulated company declares."""

_EARLIER = "earlier"
_FOLDERS = ("bill", "kubernetes", "platforms", "truth", _EARLIER)
#: What a group has besides: its seeds, and until it is written the company that it is made of.
_COMPANY = ".company"
_FOLDERS_OF_A_GROUP = (*_FOLDERS, "seeds", _COMPANY)
_RECORD = "simulation.json"
_MIN_DAYS = 2
_DAYS_OF_A_DRAFT = 20
#: A month that AWS delivered once more long after it had been paid, and when.
_RESTATED_LATER = "2026-08"
_RESTATED_AT = utc("2026-10-14T08")
#: The hour that stands for all of a day of the history.
_NOON = 12 * HOUR


@dataclass(frozen=True)
class SimulationResult:
    """What a simulation wrote, or found already written.

    Attributes:
        bill: Where AWS delivered to; `load aws-cur --from` it.
        earlier: What it had delivered of a month that it restated since, if there is one; loaded
            before `bill`, it is what the mart `restatements` compares with.
        kubernetes: Where the usage tracker exported to; `load kubernetes --from` it.
        platforms: Where platform owners published; `load platforms --from` it.
        truth: Where the right answers lie, if they were asked for.
        seeds: What is declared; `build --seeds` it.
        first_hour: The first simulated hour, in UTC.
        end_hour: The first hour after the simulation.
        bill_lines: Lines in the current deliveries of the bill.
        is_new: False if the same simulation was there and complete, and nothing was written.
    """

    bill: Path
    earlier: Path
    kubernetes: Path
    platforms: Path
    truth: Path
    seeds: Path
    first_hour: datetime
    end_hour: datetime
    bill_lines: int
    is_new: bool


def _silent(_message: str) -> None:
    """Reports nothing."""


def simulate(
    out: Path,
    *,
    days: int = 61,
    months: int = 0,
    seed: int = 2019,
    scale: float = 1.0,
    operations: int = 1,
    has_truth: bool = True,
    progress: Callable[[str], None] = _silent,
) -> SimulationResult:
    """Writes a simulated company to a directory; see the package for what lies where.

    The same arguments always write the same values. A directory that holds this very simulation
    is left as it is; one that holds another simulation is written again.

    Args:
        out: The directory; made if it is missing.
        days: How many days, up to the last one, which is always 2026-11-20.
        months: How many months of history there are before them, billed by the day. With any, the
            month that the days begin in is written from its first day on.
        seed: What chance depends on.
        scale: How large the company is; 1 has about 150 lines of the bill in an hour. Above 1 it
            is a group of as many subsidiaries, each the company of scale 1 under other names.
        operations: How many lines of the bill an hour of a bucket, a table or a queue has: AWS has
            one for each operation. More of them are more lines and no more rows of the marts.
        has_truth: Whether the right answers are written, too; they take almost half of the time.
        progress: Called with a line for every simulated day or month of the history, and for what
            is written of a group.

    Raises:
        InfraspendError: The arguments make no company, or the directory holds something that no
            simulation wrote.
    """
    if days < _MIN_DAYS:
        raise InfraspendError(f"--days {days}: simulate at least {_MIN_DAYS} days")
    if months < 0:
        raise InfraspendError(f"--months {months}: a history has 0 months or more")
    if months and scale > 1:
        raise InfraspendError(f"--months {months}: a group has no history; leave out --scale")
    if scale <= 0:
        raise InfraspendError(f"--scale {scale:g}: the company's size is a number above 0")
    if scale > 1 and (scale != int(scale) or scale > MOST_SUBSIDIARIES):
        raise InfraspendError(
            f"--scale {scale:g}: above 1 a company grows by whole subsidiaries, up to"
            f" {MOST_SUBSIDIARIES}"
        )
    if operations < 1:
        raise InfraspendError(f"--operations {operations}: there is at least one")
    is_group = scale > 1
    arguments = {
        "days": days,
        "months": months,
        "seed": seed,
        "scale": scale,
        "operations": operations,
        "has_truth": has_truth,
    }
    record = _Record(
        out, {**arguments, "program": _program()}, _FOLDERS_OF_A_GROUP if is_group else _FOLDERS
    )
    window = Window(days, months)
    bill_lines = record.complete()
    is_new = bill_lines is None
    if bill_lines is None:
        record.begin()
        company = out / _COMPANY if is_group else out
        size = 1.0 if is_group else scale
        run = _Run(
            *(company, window, Chance(seed), size, operations, progress),
            is_group=is_group,
            has_truth=has_truth,
        )
        with _no_search_for_cycles():
            bill_lines = run.write()
        totals = None
        if is_group:
            bill_lines *= int(scale)
            totals = write_group(company, out, int(scale), SEEDS, progress)
            shutil.rmtree(company)
        record.finish(bill_lines, totals)
    return SimulationResult(
        bill=out / "bill",
        earlier=out / _EARLIER,
        kubernetes=out / "kubernetes",
        platforms=out / "platforms",
        truth=out / "truth",
        seeds=out / "seeds" if is_group else SEEDS,
        first_hour=window.start,
        end_hour=window.end,
        bill_lines=bill_lines,
        is_new=is_new,
    )


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Spares Python the search for objects that refer to each other: lines and rows never do."""
    was_searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_searching:
            gc.enable()


class _Run:
    """One company on its way to the disk.

    The company that a group is made of has its bill in data exports only, each month delivered
    once: legacy reports and restatements do not get any truer by being repeated.
    """

    def __init__(
        self,
        out: Path,
        window: Window,
        chance: Chance,
        scale: float,
        operations: int,
        progress: Callable[[str], None],
        *,
        is_group: bool,
        has_truth: bool,
    ) -> None:
        self._out = out
        self._is_group = is_group
        self._window = window
        self._chance = chance
        self._progress = progress
        self._machines = Machines(chance, scale)
        self._commitments = Commitments(chance, scale)
        self._bill = Bill(chance, window, self._commitments, operations)
        self._clusters = Clusters(chance, scale)
        self._truth = Truth(out / "truth", partial(pushed.pushed, chance)) if has_truth else None
        # A longer life is not written in more files.
        self._days_of_a_file = 7 if window.months else 1
        self._lines = 0
        self._days_done = 0

    def write(self) -> int:
        """Writes everything and returns how many lines the bill has."""
        periods = self._window.periods()
        for period in periods:
            self._write_period(
                period,
                is_last=period == periods[-1],
                # The month before the last one was delivered once before it was over.
                is_restated=period in periods[-2:-1] and not self._is_group,
            )
        if self._truth:
            self._truth.close()
        return self._lines

    def _write_period(self, period: Period, *, is_last: bool, is_restated: bool) -> None:
        delivery = self._delivery(period, is_last=is_last)
        draft = self._draft(period, is_restated=is_restated)
        start, end = self._window.within(period)
        days = [start + index * DAY for index in range((end - start) // DAY)]
        if self._window.is_history(period):
            self._write_days(days, delivery, draft)
        else:
            for first in range(0, len(days), self._days_of_a_file):
                self._write_hours(days[first : first + self._days_of_a_file], delivery, draft)
        charges = self._bill.of_month(period)
        if self._truth:
            self._truth.add_month(charges)
        self._deliver(charges, delivery)
        delivery.close()
        if draft:
            draft.close()

    def _draft(self, period: Period, *, is_restated: bool) -> _Draft | None:
        """The delivery of a month that another one supersedes."""
        report = DAILY if self._window.is_history(period) else HOURLY
        is_later = self._is_restated_later(period)
        if not (is_later or is_restated):
            return None
        end = period.end if is_later else period.start + _DAYS_OF_A_DRAFT * DAY
        delivery = LegacyDelivery(
            # A load lands what is current: what was so until a month was restated lies by itself.
            self._out / (_EARLIER if is_later else "bill"),
            period,
            self._chance.uuid("draft", period.name),
            end + (4 * DAY if is_later else 7 * HOUR),
            is_current=is_later,
            report=report,
        )
        return _Draft(delivery, end)

    def _is_restated_later(self, period: Period) -> bool:
        """Whether AWS corrected a month of the history long after it had been paid."""
        return self._window.is_history(period) and period.name == _RESTATED_LATER

    def _report(self, days: int, what: str) -> None:
        """Says what is simulated next, and how much of all that is."""
        total = (self._window.end - self._window.start) // DAY
        text = f"Simulating {what}, {self._days_done} of {total} days done"
        self._progress(Step(text, self._days_done, total))
        self._days_done += days

    def _write_days(
        self, days: Sequence[datetime], delivery: Delivery, draft: _Draft | None
    ) -> None:
        """Writes a month of the history: a collection and a file of it for all of its days."""
        self._report(len(days), f"{days[0]:%Y-%m}")
        clusters: defaultdict[str, list[ClusterHour]] = defaultdict(list)
        published: list[Published] = []
        usage: list[Usage] = []
        for day in days:
            running = self._machines.on_day(day)
            charges = self._bill.of_day(day, self._commitments.cover(day, running))
            in_clusters = self._clusters.on_day(day, running)
            by_owner = list(ready_made.published(self._chance, day + _NOON))
            by_users = pushed.pushed(self._chance, day + _NOON)
            if self._truth:
                self._truth.add_day(day, charges, in_clusters, by_owner, by_users)
            self._deliver(charges, delivery)
            if draft:
                draft.write(day, charges)
            for one in in_clusters:
                clusters[one.cluster.name].append(one)
            for hour in (day + index * HOUR for index in range(HOURS_OF_A_DAY)):
                published.extend(line._replace(hour=hour) for line in by_owner)
                usage.extend(row._replace(hour=hour) for row in by_users)
        self._write_usage(clusters, days[0], days[-1], published, usage)

    def _write_usage(
        self,
        clusters: Mapping[str, Sequence[ClusterHour]],
        first: datetime,
        last: datetime,
        published: Sequence[Published],
        usage: Sequence[Usage],
    ) -> None:
        """Writes what was seen of the clusters on some days, and what owners published."""
        for cluster, hours in clusters.items():
            write_collection(self._out / "kubernetes", cluster, hours)
        platforms = self._out / "platforms"
        write_schedules(platforms, first.date(), last.date(), published)
        write_usage(platforms, first.date(), last.date(), usage)

    def _write_hours(
        self, days: Sequence[datetime], delivery: Delivery, draft: _Draft | None
    ) -> None:
        """Writes days hour by hour: a collection and a file for all of them."""
        clusters: defaultdict[str, list[ClusterHour]] = defaultdict(list)
        published: list[Published] = []
        usage: list[Usage] = []
        for hour in (days[0] + index * HOUR for index in range(len(days) * HOURS_OF_A_DAY)):
            if hour in days:
                self._report(1, f"{hour:%Y-%m-%d}")
            running = self._machines.running(hour)
            charges = self._bill.of_hour(hour, self._commitments.cover(hour, running))
            in_clusters = self._clusters.of_hour(hour, running)
            by_owner = list(ready_made.published(self._chance, hour))
            if self._truth:
                self._truth.add_hour(hour, charges, in_clusters, by_owner)
            self._deliver(charges, delivery)
            if draft:
                draft.write(hour, charges)
            for one in in_clusters:
                clusters[one.cluster.name].append(one)
            published.extend(by_owner)
            usage.extend(pushed.pushed(self._chance, hour))
        self._write_usage(clusters, days[0], days[-1], published, usage)

    def _deliver(self, charges: Sequence[Charge], delivery: Delivery) -> None:
        delivery.write(charge.columns for charge in charges)
        self._lines += len(charges)

    def _delivery(self, period: Period, *, is_last: bool) -> Delivery:
        name = delivery_name(self._chance, period.name)
        root = self._out / "bill"
        delivered_at = self._window.end + 9 * HOUR if is_last else period.end + 4 * DAY
        if is_last or self._is_group:
            return ExportDelivery(root, period, name, delivered_at)
        if self._is_restated_later(period):
            delivered_at = _RESTATED_AT
        report = DAILY if self._window.is_history(period) else HOURLY
        return LegacyDelivery(root, period, name, delivered_at, report=report)


class _Draft:
    """A month as it was first delivered: before it was over, or before AWS corrected it.

    Until then one team had not tagged its resources, and S3 had not been metered to the end.
    """

    def __init__(self, delivery: Delivery, end: datetime) -> None:
        self._end = end
        self._is_empty = True
        self._delivery = delivery

    def write(self, hour: datetime, charges: Sequence[Charge]) -> None:
        """Adds what was known of an hour when the draft was delivered."""
        if hour < self._end or self._is_empty:
            self._delivery.write(self._as_known(charge) for charge in charges)
            self._is_empty = False

    def close(self) -> None:
        """Writes the assembly's manifest, into its own folder only."""
        self._delivery.close()

    def _as_known(self, charge: Charge) -> Columns:
        columns = dict(charge.columns)
        if charge.label == "onboarding":
            columns["resource_tags"] = {}
        if columns["line_item_product_code"] == "AmazonS3":
            for name in ("unblended", "blended", "net_unblended"):
                cost = columns[f"line_item_{name}_cost"]
                assert isinstance(cost, int)
                columns[f"line_item_{name}_cost"] = cost // 20 * 10
        return columns


class _Record:
    """What stands in a directory about the simulation that it holds.

    It is taken away before anything is written and put back when all is there: a directory without
    it, or with other files than it lists, is not a complete simulation.
    """

    def __init__(self, out: Path, arguments: dict[str, object], folders: Sequence[str]) -> None:
        self._out = out
        self._path = out / _RECORD
        self._marker = out / f"{_RECORD}.unfinished"
        self._arguments = arguments
        self._folders = folders

    def complete(self) -> int | None:
        """The lines of the bill if this very simulation is there and complete, else None."""
        try:
            record = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        is_this = record["arguments"] == self._arguments and record["files"] == self._files()
        return int(record["bill_lines"]) if is_this else None

    def begin(self) -> None:
        """Makes room.

        Raises:
            InfraspendError: There is something that no simulation wrote.
        """
        self._out.mkdir(parents=True, exist_ok=True)
        written = self._written()
        if any((self._out / folder).exists() for folder in {*self._folders} - written):
            raise InfraspendError(
                f"{self._out} holds files that `infraspend simulate` did not write: "
                "choose an empty directory for --out"
            )
        self._marker.write_text("\n".join(sorted({*self._folders} | written)), encoding="utf-8")
        self._path.unlink(missing_ok=True)
        for folder in written:
            if (self._out / folder).exists():
                shutil.rmtree(self._out / folder)

    def _written(self) -> set[str]:
        """The folders that an earlier simulation wrote, finished or not."""
        if self._marker.exists():
            return {*_FOLDERS, *self._marker.read_text(encoding="utf-8").splitlines()}
        if not self._path.exists():
            return set()
        try:
            record = json.loads(self._path.read_text(encoding="utf-8"))
        except ValueError:
            return set(_FOLDERS)
        return {*_FOLDERS, *(file.partition("/")[0] for file in record["files"])}

    def finish(self, bill_lines: int, totals: Totals | None) -> None:
        """Notes that everything has been written."""
        record = {"arguments": self._arguments, "bill_lines": bill_lines}
        if totals is not None:
            record["totals"] = totals
        record["files"] = self._files()
        self._path.write_text(json.dumps(record, indent=2), encoding="utf-8")
        self._marker.unlink()

    def _files(self) -> dict[str, int]:
        return {
            path.relative_to(self._out).as_posix(): path.stat().st_size
            for folder in self._folders
            for path in sorted((self._out / folder).rglob("*"))
            if path.is_file()
        }


def _program() -> str:
    """A hash of this simulation program: an older one wrote another company."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
