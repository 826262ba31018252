"""Finds what is new under a location and lands it, small billing periods together."""

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from infraspend.loaders.aws_cur.landing import (
    DATASET,
    Prepared,
    check,
    land,
    prepare,
    unread_values,
)
from infraspend.loaders.aws_cur.manifest import (
    MANIFEST_SUFFIX,
    Assembly,
    PeriodManifest,
    period_manifests,
    read_assembly,
)
from infraspend.loaders.aws_cur.retention import prune
from infraspend.loaders.aws_cur.unlisted import (
    DATA_SUFFIXES,
    check_settled,
    left_behind,
    unlisted_periods,
)
from infraspend.loaders.batch import Problem
from infraspend.loaders.clock import utc_now
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.locations import Location, MissingFileError, ReplacedFileError
from infraspend.loaders.open_location import open_location
from infraspend.loaders.open_warehouse import open_warehouse
from infraspend.loaders.outcome import Outcome
from infraspend.loaders.result import LoadResult, Progress, silent
from infraspend.loaders.warehouse import Warehouse, WarehouseLocation

KEEP: Final = 1
"""How many superseded assemblies of a billing period keep their lines."""

PENDING_HOURS: Final = 48
"""How long after its manifest a delivery may be incomplete before that is an error."""

# AWS overwrites a period several times a day, hardly several times during one load.
_ATTEMPTS: Final = 3


@dataclass(frozen=True)
class Policy:
    """What the one who loads has decided.

    Attributes:
        keep: How many superseded assemblies of a billing period keep their lines.
        pinned: Assemblies of a closed period: they land and stay however old they are.
        accept_empty: Whether a delivery without lines may replace one that has some.
        without_manifest: Whether data that lies without its manifest is read, by the rule of
            `loaders.aws_cur.unlisted`.
        again: Whether what has landed lands again, in the place of its rows.
    """

    keep: int = KEEP
    pinned: Collection[str] = ()
    accept_empty: bool = False
    without_manifest: bool = False
    again: bool = False


def load(
    warehouse: WarehouseLocation,
    source: str,
    *,
    report: str | None = None,
    since: str | None = None,
    until: str | None = None,
    policy: Policy | None = None,
    progress: Progress = silent,
) -> LoadResult:
    """Lands the current assembly of every report and billing period found under a source.

    An assembly that has landed is not read again, and one that is older than what has landed
    changes nothing. A billing period that cannot be loaded is put into `raw_aws_cur.rejects` and
    does not stop the others; one whose data files are still on their way is pending.

    Args:
        warehouse: The DuckDB file, or the lake.
        source: The directory or `s3://` URL under which AWS's deliveries lie, however deep.
        report: Only the report of this name.
        since: The first billing period, `YYYY-MM`.
        until: The last billing period, `YYYY-MM`, inclusive.
        policy: What to keep and what to accept; the default one if not given.
        progress: Called with what is done next.

    Returns:
        The assemblies that landed, that had landed before and that are pending, and the lines
        that landed.

    Raises:
        InfraspendError: Nothing was found, or some billing periods did not load (they are named,
            after the others have landed).
    """
    policy = policy or Policy()
    location = open_location(source)
    outcome = Outcome(DATASET, progress)
    with open_warehouse(warehouse) as opened:
        try:
            periods, unlisted = _periods(location, report, since, until)
            if policy.without_manifest:
                periods, unlisted = periods + unlisted, []
            _Run(opened, location, report, policy, outcome).load(periods)
            prune(opened, policy.keep, policy.pinned)
        finally:
            opened.reject(DATASET, outcome.rejects)
    lacking = _without_manifest(unlisted)
    count = outcome.landed + outcome.skipped + outcome.pending + len(outcome.failures)
    if count:
        outcome.failures += lacking
        count += len(lacking)
    outcome.check(f"{len(outcome.failures)} of {count} billing periods")
    if not count:
        wanted = f" of report {report}" if report else ""
        raise InfraspendError(
            f"{source} holds no delivery{wanted} for the billing periods asked for: looked for"
            " <report>/yyyymmdd-yyyymmdd/<report>-Manifest.json and"
            " <export>/metadata/BILLING_PERIOD=yyyy-mm/<export>-Manifest.json"
            + "".join(f"; {one}" for one in lacking)
        )
    return outcome.result()


def _periods(
    location: Location, report: str | None, since: str | None, until: str | None
) -> tuple[list[PeriodManifest], list[PeriodManifest]]:
    """The billing periods asked for: those with a manifest, and those without."""
    files = list(location.files(lambda name: name.endswith((MANIFEST_SUFFIX, *DATA_SUFFIXES))))
    listed = list(period_manifests(location, files))
    unlisted = [
        period
        for period in unlisted_periods(location, files, listed)
        if report is None or period.report == report
    ]
    listed, unlisted = (
        sorted(
            (
                period
                for period in periods
                if (since is None or period.billing_period >= since)
                and (until is None or period.billing_period <= until)
            ),
            key=lambda period: (period.billing_period, period.file.name),
        )
        for periods in (listed, unlisted)
    )
    return listed, unlisted


def _without_manifest(unlisted: Collection[PeriodManifest]) -> list[str]:
    """What to do about data that lies without its manifest, a line for each report."""
    roots = sorted({(period.root, period.report) for period in unlisted})
    return [
        f"{root} has data of {report} for"
        f" {', '.join(sorted(one.billing_period for one in unlisted if one.root == root))} and no"
        " manifest: have the replication rule's prefix cover the whole of the report's folder, its"
        " metadata too, and not the data alone, or load with --without-manifest"
        for root, report in roots
    ]


@dataclass
class _Run:
    """A load of billing periods: from where to where, and how far it is.

    Attributes:
        report: Only the report of this name; every one if None.
        attempts: How often the periods were read that are being read now.
        replaced: Those to read again, because AWS replaced something meanwhile.
        batch: What lands next, together.
    """

    warehouse: Warehouse
    location: Location
    report: str | None
    policy: Policy
    outcome: Outcome
    attempts: int = 0
    replaced: list[PeriodManifest] = field(default_factory=list)
    batch: list[tuple[PeriodManifest, Prepared]] = field(default_factory=list)

    def load(self, periods: Sequence[PeriodManifest]) -> None:
        """Lands the billing periods that are new, and notes what became of each."""
        while periods:
            self.attempts += 1
            for period in periods:
                self._add(period)
            self._land()
            periods, self.replaced = self.replaced, []

    def _add(self, period: PeriodManifest) -> None:
        """Adds a billing period to the batch if it is new."""
        name = f"{period.report} {period.billing_period}"
        progress = self.outcome.progress
        try:
            if self.attempts > 1:
                progress(f"{name}: reading the manifest again")
            assembly = _current(self.location, period, progress)
            if self.report is not None and assembly.report != self.report:
                return
            name = f"{assembly.report} {assembly.billing_period}"
            if any(one.assembly.assembly_id == assembly.assembly_id for _, one in self.batch):
                self._land()
            if _is_known(self.warehouse, assembly, self.policy):
                self.outcome.skipped += 1
                return
            one = prepare(self.warehouse, self.location, assembly, progress)
            try:
                if not one.fits([other for _, other in self.batch]):
                    self._land()
                check(self.warehouse, self.location, one, self.policy.accept_empty, progress)
            except InfraspendError:
                shutil.rmtree(one.folder)
                raise
            self.batch.append((period, one))
            if not one.fits([]):
                # A large one does not wait beside the next, which may be as large.
                self._land()
        except InfraspendError as error:
            self._refuse(period, name, error)

    def _land(self) -> None:
        """Lands the batch."""
        batch, self.batch = self.batch, []
        if not batch:
            return
        prepared = [one for _, one in batch]
        problems: Sequence[Problem]
        try:
            problems = land(self.warehouse, self.location, prepared, self.outcome.progress)
        except InfraspendError as error:
            problems = [error] * len(batch)
        for (period, one), problem in zip(batch, problems, strict=True):
            if problem:
                self._refuse(period, one.name, problem)
            else:
                self.outcome.rows += one.lines
                self.outcome.landed += 1
                self._note_unread(period, one)
            shutil.rmtree(one.folder)

    def _refuse(self, period: PeriodManifest, name: str, error: InfraspendError) -> None:
        """Notes why a billing period did not land, and whether it is to be read again."""
        outcome, reason = self.outcome, str(error)
        if isinstance(error, ReplacedFileError):
            outcome.progress(f"{name}: {error}")
            if period.assembly is None and self.attempts < _ATTEMPTS:
                self.replaced.append(period)
                return
            reason = "AWS replaced files while they were being read: run this again"
        if isinstance(error, MissingFileError):
            reason = f"pending: {error}"
            if utc_now() - period.file.modified > timedelta(hours=PENDING_HOURS):
                outcome.failures.append(
                    f"{name}: {error}, {PENDING_HOURS} hours after its manifest was written"
                )
            else:
                outcome.pending += 1
            outcome.progress(f"{name}: {reason}")
        elif self.report is not None and period.report != self.report:
            # Of another report, as far as its manifest can be read.
            return
        else:
            outcome.fail(f"{name}: {reason}")
        self._reject(period, reason)

    def _note_unread(self, period: PeriodManifest, one: Prepared) -> None:
        """Reports and keeps what landed as NULL because it could not be read."""
        if not one.unread_count:
            return
        unread = list(unread_values(self.warehouse, one))
        self.outcome.unread += one.unread_count
        self.outcome.progress(
            f"{one.name}: {one.unread_count:,} values cannot be read and are unknown, the first:"
            f" {'; '.join(map(str, unread[:3]))}"
        )
        for bad in unread:
            self._reject(period, f"unknown: {bad}", file=bad.file, row_number=bad.row)

    def _reject(
        self,
        period: PeriodManifest,
        reason: str,
        file: str | None = None,
        row_number: int | None = None,
    ) -> None:
        """Keeps why a billing period, or a value of a file of it, was refused."""
        self.outcome.reject(
            file or self.location.url(period.file.name),
            reason,
            row_number,
            billing_period=period.billing_period,
            report=period.report,
        )


def _current(location: Location, period: PeriodManifest, progress: Progress) -> Assembly:
    """The assembly that is current for a billing period."""
    if period.assembly is None:
        now = location.stat(period.file.name)
        return read_assembly(location, replace(period, file=now))
    # What is current was decided when the location was listed: another look is another load.
    check_settled(period.file)
    if old := left_behind(location, period.assembly):
        progress(
            f"{period.report} {period.billing_period}: warning: {', '.join(old)} may be left of"
            " an earlier delivery, being more than an hour older than its newest file: if so,"
            " delete them and load again"
        )
    return period.assembly


def _is_known(warehouse: Warehouse, assembly: Assembly, policy: Policy) -> bool:
    """Whether an assembly has nothing to add: it has landed, or a newer one has."""
    lines_there = warehouse.rows_of(DATASET, "line_items", [assembly.assembly_id])
    landed = warehouse.query(
        f"select report, billing_period, line_count, exists (from {lines_there})"
        f" from {DATASET}.assemblies where assembly_id = ?",
        [assembly.assembly_id],
    )
    if not landed:
        newer = warehouse.query(
            f"select 1 from {DATASET}.assemblies"
            " where report = ? and billing_period = ? and manifest_time > ?"
            # Elsewhere it may be another payer's, whose report has the same name.
            " and manifest_key = ?",
            [
                assembly.report,
                assembly.billing_period,
                assembly.manifest.modified,
                assembly.manifest.name,
            ],
        )
        return bool(newer) and assembly.assembly_id not in policy.pinned
    known_report, known_period, lines, is_there = landed[0]
    if (known_report, known_period) != (assembly.report, assembly.billing_period):
        raise InfraspendError(
            f"assembly {assembly.assembly_id} has landed as report {known_report} {known_period}:"
            " check the manifest"
        )
    is_pruned = lines and not is_there and assembly.assembly_id in policy.pinned
    if policy.again or is_pruned:
        # Its lines were damaged, or pruned before its month was closed with it.
        warehouse.remove(DATASET, assembly.assembly_id)
        return False
    return True
