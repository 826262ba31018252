"""Finds what is new under a location and lands it, one folder of files at a time."""

import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Final

import duckdb

from infraspend.loaders.aws_cur.loading import KEEP, PENDING_HOURS
from infraspend.loaders.aws_cur.manifest import (
    MANIFEST_SUFFIX,
    period_manifests,
    period_of,
    read_assembly,
)
from infraspend.loaders.clock import utc_now
from infraspend.loaders.errors import InfraspendError, first_line
from infraspend.loaders.files import (
    DataFile,
    unreadable_line,
    verify_csv,
    verify_csv_gz,
    verify_parquet,
)
from infraspend.loaders.focus.charges import SUFFIXES, ChargeFile, file_kind, focus_name
from infraspend.loaders.locations import File, Location, ReplacedFileError
from infraspend.loaders.open_location import open_location
from infraspend.loaders.open_warehouse import open_warehouse
from infraspend.loaders.outcome import Outcome
from infraspend.loaders.result import LoadResult, Progress, Step, silent
from infraspend.loaders.warehouse import (
    Landing,
    LandingError,
    Warehouse,
    WarehouseLocation,
    checkpoint,
)

DATASET: Final = "raw_focus"

Key = tuple[str, datetime]
"""A billing account and the start of its billing period."""


@dataclass(frozen=True)
class Folder:
    """The files that lie together in a folder: one delivery.

    Attributes:
        name: The folder, whole.
        files: Its files of charges.
        missing: Files that its manifest names and that are not there.
        delivered_at: When its manifest was written, or the newest of its files, plain UTC.
    """

    name: str
    files: tuple[File, ...]
    missing: tuple[str, ...]
    delivered_at: datetime

    @property
    def version(self) -> str:
        """A text that changes when one of its files is replaced, added or taken away."""
        named = sorted(f"{file.name}\0{file.version}" for file in self.files)
        return sha256("\n".join(named).encode()).hexdigest()

    @property
    def billing_period(self) -> str | None:
        """`YYYY-MM`, where a folder on the way to it says so."""
        for folder in (PurePosixPath(self.name), *PurePosixPath(self.name).parents):
            if known := period_of(folder):
                return known[0]
        return None


@dataclass(frozen=True)
class Total:
    """What the charges of one provider, sub account and currency add up to in one file."""

    billing_account_id: str | None
    billing_period_start: datetime | None
    provider: str | None
    sub_account_id: str | None
    billing_currency: str | None
    line_count: int
    billed_cost: Decimal | None
    landed_billed_cost: Decimal | None
    effective_cost: Decimal | None
    landed_effective_cost: Decimal | None
    first_row: int
    bad_lines: int
    first_bad_row: int | None
    problem: str | None


@dataclass
class Statement:
    """What a folder says of a billing account's billing period."""

    account: str
    starts_at: datetime
    files: list[ChargeFile] = field(default_factory=list)
    totals: list[tuple[ChargeFile, Total]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return f"{self.account} {self.billing_period}"

    @property
    def billing_period(self) -> str:
        """The month that its billing period begins in, `YYYY-MM`."""
        return f"{self.starts_at:%Y-%m}"

    @property
    def providers(self) -> list[str]:
        """Whose charges are on it."""
        return sorted({total.provider for _, total in self.totals if total.provider})

    @property
    def sub_accounts(self) -> list[str]:
        """Which sub accounts have charges on it; empty for those of the account itself."""
        return sorted({total.sub_account_id or "" for _, total in self.totals})

    @property
    def lines(self) -> int:
        """How many charges it has."""
        return sum(total.line_count for _, total in self.totals)

    @property
    def digest(self) -> str:
        """The hash over its files, in hex."""
        return sha256("".join(sorted(one.file.sha256 for one in self.files)).encode()).hexdigest()

    def id_for(self, provider: str) -> str:
        """The same for the same files about the same account and period, and only then."""
        identity = (provider, self.account, self.starts_at.isoformat(), self.digest)
        return sha256("\0".join(identity).encode()).hexdigest()


def load(
    warehouse: WarehouseLocation,
    source: str,
    *,
    keep: int = KEEP,
    again: bool = False,
    progress: Progress = silent,
) -> LoadResult:
    """Lands every statement found under a source that is new.

    The files of a folder are one delivery. What it says of a billing account's billing period
    replaces what an older delivery said of it. A statement with a bad charge is put into
    `raw_focus.rejects`, with file and row, and does not stop the others.

    Args:
        warehouse: The DuckDB file, or the lake.
        source: The directory or `s3://` URL under which the files lie, however deep.
        keep: How many superseded statements of a billing period keep their charges.
        again: Whether what has landed lands again, in the place of its rows.
        progress: Called with what is done next.

    Returns:
        The statements that landed, that had landed before and that are pending, and the charges
        that landed.

    Raises:
        InfraspendError: Nothing was found, or some statements did not load (they are named, after
            the others have landed).
    """
    location = open_location(source)
    outcome = Outcome(DATASET, progress)
    found = 0
    with open_warehouse(warehouse) as opened:
        try:
            for folder in _folders(location, outcome):
                found += 1
                _load_folder(opened, location, folder, again, outcome)
            _prune(opened, keep)
        finally:
            opened.reject(DATASET, outcome.rejects)
    outcome.check(f"{len(outcome.failures)}")
    if not found:
        raise InfraspendError(f"{source} holds no bill: looked for *{', *'.join(SUFFIXES)}")
    return outcome.result()


def _folders(location: Location, outcome: Outcome) -> Iterator[Folder]:
    """The deliveries of a location, the oldest first: where AWS's manifest names files, those."""
    files = list(location.files(lambda name: name.endswith((*SUFFIXES, MANIFEST_SUFFIX))))
    there = {file.name: file for file in files if not file.name.endswith(MANIFEST_SUFFIX)}
    folders = []
    listed: set[str] = set()
    for manifest in period_manifests(location, files):
        where = location.url(manifest.file.name)
        if manifest.is_cur2:
            # What an earlier delivery left there is not current.
            data = manifest.root / "data" / manifest.folder
            listed |= {
                name for name in there if PurePosixPath(location.url(name)).is_relative_to(data)
            }
        try:
            assembly = read_assembly(location, manifest)
        except InfraspendError as error:
            outcome.fail(f"{where}: {error}")
            outcome.reject(where, str(error), billing_period=manifest.billing_period)
            continue
        listed |= set(assembly.files)
        if assembly.files:
            folders.append(
                Folder(
                    location.url(assembly.files[0].rpartition("/")[0]),
                    tuple(there[name] for name in assembly.files if name in there),
                    tuple(name for name in assembly.files if name not in there),
                    manifest.file.modified,
                )
            )
    others = [file for name, file in sorted(there.items()) if name not in listed]
    for name, group in groupby(others, lambda file: file.name.rpartition("/")[0]):
        together = tuple(group)
        newest = max(file.modified for file in together)
        folders.append(Folder(location.url(name).rstrip("/"), together, (), newest))
    yield from sorted(folders, key=lambda folder: (folder.delivered_at, folder.name))


def _load_folder(
    warehouse: Warehouse,
    location: Location,
    folder: Folder,
    again: bool,
    outcome: Outcome,
) -> None:
    """Lands what is new in a folder, and notes what became of it."""
    if folder.missing:
        reason = f"{', '.join(folder.missing)} is not there: copy the whole delivery"
        if utc_now() - folder.delivered_at > timedelta(hours=PENDING_HOURS):
            reason += f"; {PENDING_HOURS} hours have passed since its manifest was written"
            outcome.fail(f"{folder.name}: {reason}")
            outcome.reject(folder.name, reason)
        else:
            outcome.pending += 1
            outcome.progress(f"{folder.name}: pending: {reason}")
            outcome.reject(folder.name, f"pending: {reason}")
        return
    if not again and (known := _statements_read(warehouse, folder)) is not None:
        outcome.skipped += known
        return
    work = warehouse.workbench / "focus"
    work.mkdir()
    try:
        files = _verified(warehouse, location, folder, work, outcome)
        checkpoint("files_verified")
        statements, refused = _statements(warehouse, files)
        for key, (where, row, reason) in refused.items():
            outcome.fail(f"{statements[key].name}: {where}, row {row}: {reason}")
            outcome.reject(
                where,
                # The statement in it: what is wrong with two of them is two refusals.
                f"{statements[key].name}: {reason}",
                row,
                billing_account_id=statements[key].account,
                billing_period=statements[key].billing_period,
            )
        good = [one for key, one in sorted(statements.items()) if key not in refused]
        checkpoint("charges_counted")
        _land(warehouse, location, folder, good, again, not refused, outcome)
    except (InfraspendError, LandingError, duckdb.Error) as error:
        text = str(error) if isinstance(error, InfraspendError) else first_line(error)
        outcome.fail(f"{folder.name}: {text}")
        outcome.reject(folder.name, text)
    finally:
        shutil.rmtree(work)


def _statements_read(warehouse: Warehouse, folder: Folder) -> int | None:
    """How many statements a folder holds that was read before as it is; None if it was not."""
    known = warehouse.query(
        f"select version from {DATASET}.folders where folder = ? order by read_at desc limit 1",
        [folder.name],
    )
    if not known or known[0][0] != folder.version:
        return None
    ((count,),) = warehouse.query(
        "select count(*) from (select distinct billing_account_id, billing_period_start"
        f" from {DATASET}.statements where folder = ?)",
        [folder.name],
    )
    return int(count)


def _verified(
    warehouse: Warehouse,
    location: Location,
    folder: Folder,
    work: Path,
    outcome: Outcome,
) -> list[ChargeFile]:
    """The folder's files, each readable in `work` and proven whole; one of the same bytes once."""
    seen: dict[str, str] = {}
    files = []
    with warehouse.scratch() as connection:
        for number, delivered in enumerate(folder.files, start=1):
            text = f"{folder.name}: verifying file {number} of {len(folder.files)}"
            outcome.progress(Step(text, number - 1, len(folder.files)))
            where, kind = location.url(delivered.name), file_kind(delivered.name)
            path = work / f"{number:06}"
            location.fetch(delivered, path)
            file = _verify(where, path, kind, connection)
            if file.sha256 in seen:
                outcome.note(f"{where} is a copy of {seen[file.sha256]}, and counted once")
                continue
            seen[file.sha256] = where
            files.append(ChargeFile(file, kind, folder.billing_period))
    return files


def _verify(where: str, path: Path, kind: str, connection: duckdb.DuckDBPyConnection) -> DataFile:
    if kind == ".parquet":
        return verify_parquet(where, path, connection)
    return verify_csv_gz(where, path) if kind == ".csv.gz" else verify_csv(where, path)


def _statements(
    warehouse: Warehouse, files: Sequence[ChargeFile]
) -> tuple[dict[Key, Statement], dict[Key, tuple[str, int, str]]]:
    """What a folder says, by statement, and of those that are refused file, row and reason.

    Raises:
        InfraspendError: A file cannot be read, or a charge names no account or billing period, so
            that it may belong to any statement.
    """
    statements: dict[Key, Statement] = {}
    refused: dict[Key, tuple[str, int, str]] = {}
    with warehouse.scratch() as connection:
        connection.execute("set timezone = 'UTC'")
        for file in files:
            try:
                rows = connection.execute(file.statements()).fetchall()
            except duckdb.Error as error:
                reason = file.kind != ".parquet" and unreadable_line(
                    file.file, packed=file.kind == ".csv.gz"
                )
                raise InfraspendError(
                    f"{file.file.name} cannot be read ({reason or first_line(error)}): export it"
                    " again"
                ) from error
            for total in sorted((Total(*row) for row in rows), key=lambda one: one.first_row):
                where = file.file.name
                if total.billing_account_id is None or total.billing_period_start is None:
                    raise InfraspendError(
                        f"{where}, row {total.first_bad_row}: {total.problem}, so that it is"
                        " not known which bill the charge is on: nothing of its folder is read"
                    )
                key = (total.billing_account_id, total.billing_period_start)
                statement = statements.setdefault(key, Statement(*key))
                statement.totals.append((file, total))
                if file not in statement.files:
                    statement.files.append(file)
                if total.first_bad_row is not None and key not in refused:
                    more = f"; and {total.bad_lines - 1:,} more" if total.bad_lines > 1 else ""
                    refused[key] = (where, total.first_bad_row, f"{total.problem}{more}")
    for key, bad in _in_another_currency(warehouse, statements.values()).items():
        refused.setdefault(key, bad)
    return statements, refused


def _in_another_currency(
    warehouse: Warehouse, statements: Collection[Statement]
) -> dict[Key, tuple[str, int, str]]:
    """The statements that would be added up with the others although they are in something else."""
    landed = warehouse.currencies()
    lines: dict[str, int] = {}
    for statement in statements:
        for _, total in statement.totals:
            if total.billing_currency:
                lines[total.billing_currency] = (
                    lines.get(total.billing_currency, 0) + total.line_count
                )
    if not lines:
        return {}
    usual = landed[0] if landed else max(sorted(lines), key=lambda one: lines[one])
    bad: dict[Key, tuple[str, int, str]] = {}
    for statement in statements:
        for file, total in statement.totals:
            if total.billing_currency not in (usual, None):
                reason = (
                    f"{focus_name('billing_currency')} is '{total.billing_currency}', and"
                    f" other bills are in {usual}: a warehouse holds one currency, load another"
                    " one into its own"
                )
                key = (statement.account, statement.starts_at)
                bad.setdefault(key, (file.file.name, total.first_row, reason))
    return bad


def _land(
    warehouse: Warehouse,
    location: Location,
    folder: Folder,
    statements: Iterable[Statement],
    again: bool,
    is_all: bool,
    outcome: Outcome,
) -> None:
    """Lands the statements of a folder that are new, each whole or not at all."""
    new: dict[str, tuple[str, Statement]] = {}
    for statement in statements:
        provider = _provider_of(warehouse, folder, statement)
        one = statement.id_for(provider)
        if _is_known(warehouse, folder, provider, statement) and not again:
            outcome.skipped += 1
        else:
            new[one] = (provider, statement)
            # Of a bill that was corrected back, or whose rows were damaged.
            warehouse.remove(DATASET, one)
    if new:
        lines = sum(statement.lines for _, statement in new.values())
        outcome.progress(f"{folder.name}: landing {lines:,} charges of {len(new)} statements")
        _note_missing_accounts(warehouse, new, outcome)
        by_file: dict[int, tuple[ChargeFile, list[tuple[str, str, str]]]] = {}
        for one, (_, statement) in new.items():
            for file in statement.files:
                wanted = by_file.setdefault(id(file), (file, []))[1]
                wanted.append((one, statement.account, str(statement.starts_at)))
        select = " union all ".join(file.charges(wanted) for file, wanted in by_file.values())
        warehouse.land(DATASET, [Landing("charges", select, "_statement_id", list(new))])
        checkpoint("charges_landed")
        _check_landed(warehouse, location, folder, new)
    _record(warehouse, folder, new, is_all)
    checkpoint("statements_recorded")
    outcome.landed += len(new)
    outcome.rows += sum(statement.lines for _, statement in new.values())


def _provider_of(warehouse: Warehouse, folder: Folder, statement: Statement) -> str:
    """Whose bill it is, so that it replaces what that provider's older delivery said.

    A bill may speak of several providers, as that of a marketplace does, and a new version of
    FOCUS may spell one otherwise. It is the same bill as one that speaks of one of them, or that
    lay in the same folder.
    """
    known = warehouse.query(
        f"select statements.provider from {DATASET}.statements"
        f" inner join {DATASET}.control_totals using (statement_id)"
        " where statements.billing_account_id = ? and statements.billing_period_start = ?"
        " and (statements.folder = ? or list_contains(?, control_totals.provider))"
        " order by statements.delivered_at desc, statements.landed_at desc limit 1",
        [statement.account, statement.starts_at, folder.name, statement.providers],
    )
    if known:
        return str(known[0][0])
    lines: dict[str, int] = dict.fromkeys(statement.providers, 0)
    for _, total in statement.totals:
        lines[str(total.provider)] += total.line_count
    return max(statement.providers, key=lambda provider: lines[provider])


def _is_known(warehouse: Warehouse, folder: Folder, provider: str, statement: Statement) -> bool:
    """Whether a statement has nothing to add: it was the last one to land, or a newer one was."""
    newest = warehouse.query(
        f"select statement_id, delivered_at from {DATASET}.statements"
        " where provider = ? and billing_account_id = ? and billing_period_start = ?"
        " order by delivered_at desc, landed_at desc limit 1",
        [provider, statement.account, statement.starts_at],
    )
    if not newest:
        return False
    last, delivered_at = newest[0]
    return bool(last == statement.id_for(provider) or delivered_at > folder.delivered_at)


def _note_missing_accounts(
    warehouse: Warehouse,
    new: Mapping[str, tuple[str, Statement]],
    outcome: Outcome,
) -> None:
    """Names the sub accounts that a bill spoke of and that the one which replaces it does not."""
    for provider, statement in new.values():
        gone = warehouse.query(
            f"select distinct coalesce(control_totals.sub_account_id, '') from {DATASET}.statements"
            f" inner join {DATASET}.control_totals using (statement_id)"
            " where statements.provider = ? and statements.billing_account_id = ?"
            " and statements.billing_period_start = ?"
            " and not list_contains(?, coalesce(control_totals.sub_account_id, '')) order by all",
            [provider, statement.account, statement.starts_at, statement.sub_accounts],
        )
        if gone:
            names = ", ".join(str(row[0]) or "(none)" for row in gone)
            outcome.note(
                f"{statement.name}: sub account {names} was on this bill before, and is not on the"
                " one that replaces it: export a billing account whole, and not each sub account"
                " by itself"
            )


def _check_landed(
    warehouse: Warehouse,
    location: Location,
    folder: Folder,
    new: Mapping[str, tuple[str, Statement]],
) -> None:
    """Compares what landed with what was counted, and what was read with what is there now.

    Raises:
        InfraspendError: They differ; nothing of it was kept.
    """
    there = warehouse.rows_of(DATASET, "charges", list(new))
    counted = warehouse.query(f"select _statement_id, count(*) from {there} group by 1")
    landed = {str(one): int(count) for one, count in counted}
    problem: InfraspendError | None = None
    for one, (_, statement) in new.items():
        if landed.get(one, 0) != statement.lines:
            problem = InfraspendError(
                f"{statement.name}: {landed.get(one, 0)} of {statement.lines} charges landed:"
                " nothing was kept, run this again"
            )
    for file in folder.files:
        if location.stat(file.name).version != file.version:
            problem = ReplacedFileError(
                f"{location.url(file.name)} was replaced while it was being read: run this again"
            )
    if problem:
        for one in new:
            warehouse.remove(DATASET, one)
        raise problem


def _record(
    warehouse: Warehouse,
    folder: Folder,
    new: Mapping[str, tuple[str, Statement]],
    is_all: bool,
) -> None:
    """Writes what is kept of statements for ever, and that the folder need not be read again."""
    now = utc_now()
    totals, ledger = [], []
    for one, (provider, statement) in new.items():
        ledger.append(
            {
                "statement_id": one,
                "provider": provider,
                "billing_account_id": statement.account,
                "billing_period": statement.billing_period,
                "billing_period_start": statement.starts_at,
                "billing_currency": statement.totals[0][1].billing_currency,
                "folder": folder.name,
                "files": len(statement.files),
                "bytes": sum(file.file.bytes for file in statement.files),
                "sha256": statement.digest,
                "line_count": statement.lines,
                "delivered_at": folder.delivered_at,
                "landed_at": now,
            }
        )
        totals += [
            {
                "statement_id": one,
                "provider": total.provider,
                "sub_account_id": total.sub_account_id,
                "line_count": total.line_count,
                "billed_cost": total.billed_cost,
                "effective_cost": total.effective_cost,
                "landed_billed_cost": total.landed_billed_cost,
                "landed_effective_cost": total.landed_effective_cost,
            }
            for _, total in statement.totals
        ]
    read = [{"folder": folder.name, "version": folder.version, "read_at": now}] if is_all else []
    warehouse.land_rows(DATASET, {"control_totals": totals, "statements": ledger, "folders": read})


def _prune(warehouse: Warehouse, keep: int) -> None:
    """Deletes the charges of all but the newest statements of every bill."""
    superseded = warehouse.query(f"""
        select statement_id
        from {DATASET}.statements
        qualify row_number() over (
            partition by provider, billing_account_id, billing_period_start
            order by delivered_at desc, landed_at desc, statement_id
        ) > {keep + 1}
    """)
    if old := [str(row[0]) for row in superseded]:
        warehouse.discard(DATASET, ["charges"], old)
