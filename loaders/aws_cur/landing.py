"""Lands assemblies: verified, counted, inserted by one statement, compared, recorded."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from hashlib import sha256
from pathlib import Path
from typing import Final

import duckdb

from loaders.aws_cur.canonical import Layout, first_bad_value, layouts, line_items, totals
from loaders.aws_cur.columns import REQUIRED, DuplicateColumnError
from loaders.aws_cur.manifest import (
    CUR2_PARQUET,
    Assembly,
    PeriodManifest,
    period_manifests,
    read_assembly,
)
from loaders.aws_cur.source import Source, open_source
from loaders.cur_columns import CUR_COLUMNS
from loaders.errors import InfraspendError
from loaders.files import DataFile, verify_csv_gz, verify_parquet
from loaders.result import LoadResult, Progress, silent
from loaders.warehouse import (
    Landing,
    LandingError,
    Warehouse,
    checkpoint,
    open_warehouse,
    utc_now,
)

DATASET: Final = "raw_aws_cur"

# Columns that an export may bring along and that say nothing about a charge.
_PARTITION_COLUMNS: Final = frozenset({"billing_period", "BILLING_PERIOD"})


@dataclass(frozen=True)
class _Total:
    """What the lines of one payer and currency add up to, in dollars as delivered."""

    payer_account_id: str | None
    currency_code: str | None
    line_count: int
    unblended_cost: Decimal
    net_unblended_cost: Decimal
    unblended_cost_without_net: Decimal
    landed_unblended_cost: Decimal
    landed_net_unblended_cost: Decimal
    landed_unblended_cost_without_net: Decimal
    lines_with_net: int
    shortest_interval_seconds: int | None


def load(
    warehouse: Path,
    source: str,
    *,
    report: str | None = None,
    since: str | None = None,
    until: str | None = None,
    progress: Progress = silent,
) -> LoadResult:
    """Lands the current assembly of every report and billing period found under a source.

    An assembly that has landed is not read again. A billing period that cannot be loaded is put
    into `raw_aws_cur.rejects` and does not stop the others.

    Args:
        warehouse: The DuckDB file.
        source: The directory under which AWS's deliveries lie, however deep.
        report: Only the report of this name.
        since: The first billing period, `YYYY-MM`.
        until: The last billing period, `YYYY-MM`, inclusive.
        progress: Told what is being done.

    Returns:
        The assemblies that landed and that had landed before, and the lines that landed.

    Raises:
        InfraspendError: Nothing was found, or some billing periods did not load (they are named,
            after the others have landed).
    """
    place = open_source(source)
    with open_warehouse(warehouse) as opened:
        landed = skipped = rows = 0
        failures = []
        rejects = []
        for period in _periods(place, since, until):
            try:
                assembly = read_assembly(place, period)
                if report is not None and assembly.report != report:
                    continue
                if _has_landed(opened, assembly):
                    skipped += 1
                    continue
                rows += _land(opened, place, assembly, progress)
                landed += 1
            except InfraspendError as error:
                if report is not None and period.report != report:
                    continue
                failures.append(f"{period.report} {period.billing_period}: {error}")
                progress(failures[-1])
                rejects.append(_reject_row(place, period, str(error)))
        opened.reject(DATASET, rejects)
    if failures:
        raise InfraspendError(
            f"{len(failures)} of {len(failures) + landed + skipped} billing periods did not load"
            f" (the others are in): {'; '.join(failures)}"
        )
    if not landed and not skipped:
        wanted = f" of report {report}" if report else ""
        raise InfraspendError(
            f"{source} holds no delivery{wanted} for the billing periods asked for: looked for"
            " <report>/yyyymmdd-yyyymmdd/<report>-Manifest.json and"
            " <export>/metadata/BILLING_PERIOD=yyyy-mm/<export>-Manifest.json"
        )
    return LoadResult(landed=landed, skipped=skipped, rejected=0, rows=rows)


def _periods(source: Source, since: str | None, until: str | None) -> list[PeriodManifest]:
    wanted = [
        period
        for period in period_manifests(source)
        if (since is None or period.billing_period >= since)
        and (until is None or period.billing_period <= until)
    ]
    return sorted(wanted, key=lambda period: (period.billing_period, period.name))


def _has_landed(warehouse: Warehouse, assembly: Assembly) -> bool:
    known = warehouse.query(
        f"select report, billing_period from {DATASET}.assemblies where assembly_id = ?",
        [assembly.assembly_id],
    )
    if known and known[0] != (assembly.report, assembly.billing_period):
        raise InfraspendError(
            f"assembly {assembly.assembly_id} has landed as report {known[0][0]} {known[0][1]}:"
            " check the manifest"
        )
    return bool(known)


def _land(warehouse: Warehouse, source: Source, assembly: Assembly, progress: Progress) -> int:
    """Lands one assembly and returns the number of its lines."""
    name = f"{assembly.report} {assembly.billing_period}"
    versions = _versions(source, assembly)
    folder = warehouse.workbench / "aws_cur"
    folder.mkdir()
    try:
        files = []
        for number, file in enumerate(assembly.files, start=1):
            progress(f"{name}: verifying file {number} of {len(assembly.files)}")
            files.append(_verified(source, assembly, file, folder / f"{number:06}"))
        checkpoint("files_verified")
        shapes = _layouts(assembly, files)
        unknown = sorted({column for shape in shapes for column in shape.unknown})
        if ignored := [column for column in unknown if column not in _PARTITION_COLUMNS]:
            progress(f"{name}: not in CUR 2.0 and left out: {', '.join(ignored)}")
        try:
            found = _totals(shapes)
            _check_currency_and_payer(warehouse, assembly, found)
            lines = sum(total.line_count for total in found)
            checkpoint("lines_counted")
            progress(f"{name}: landing {lines:,} lines")
            select = " union all ".join(line_items(shape, assembly.assembly_id) for shape in shapes)
            warehouse.land(
                DATASET, [Landing("line_items", select, "_assembly_id", [assembly.assembly_id])]
            )
        except (duckdb.Error, LandingError) as error:
            raise _explained(shapes, error) from error
        checkpoint("lines_landed")
        try:
            _check_landed(warehouse, source, assembly, lines, versions)
        except InfraspendError:
            warehouse.remove(DATASET, assembly.assembly_id)
            raise
        _record(warehouse, assembly, files, found)
        checkpoint("assembly_recorded")
        return lines
    finally:
        shutil.rmtree(folder)


def _verified(source: Source, assembly: Assembly, name: str, path: Path) -> DataFile:
    source.fetch(name, path)
    if assembly.format == CUR2_PARQUET:
        with duckdb.connect() as connection:
            return verify_parquet(source.location(name), path, connection)
    return verify_csv_gz(source.location(name), path)


def _versions(source: Source, assembly: Assembly) -> list[str]:
    return [source.version(name) for name in (assembly.manifest, *assembly.files)]


def _layouts(assembly: Assembly, files: Sequence[DataFile]) -> list[Layout]:
    try:
        shapes = layouts(files, assembly.format)
    except DuplicateColumnError as error:
        raise InfraspendError(f"{assembly.report} {assembly.billing_period}: {error}") from error
    for shape in shapes:
        if missing := [column for column in REQUIRED if column not in shape.values]:
            raise InfraspendError(
                f"{shape.files[0].name} has no column {', '.join(missing)}:"
                " add it to the report, or leave the report out"
            )
    return shapes


def _totals(shapes: Sequence[Layout]) -> list[_Total]:
    with duckdb.connect() as connection:
        return [_Total(*row) for row in connection.execute(totals(shapes)).fetchall()]


def _check_currency_and_payer(
    warehouse: Warehouse, assembly: Assembly, found: Sequence[_Total]
) -> None:
    """Refuses what would be added up, or replaced, although it is something else."""
    known = warehouse.query(
        "select control_totals.currency_code, control_totals.payer_account_id, assemblies.report"
        f" from {DATASET}.control_totals inner join {DATASET}.assemblies using (assembly_id)"
    )
    currencies = {total.currency_code for total in found} | {row[0] for row in known}
    currencies.discard(None)
    if len(currencies) > 1:
        raise InfraspendError(
            f"the report is in {', '.join(sorted(map(str, currencies)))} together with what has"
            " landed: a warehouse holds one currency, load another one into its own"
        )
    payers = {total.payer_account_id for total in found}
    before = {row[1] for row in known if row[2] == assembly.report}
    if payers and before and payers.isdisjoint(before):
        raise InfraspendError(
            f"report {assembly.report} has landed for payer {', '.join(sorted(map(str, before)))}"
            f" and this one is for {', '.join(sorted(map(str, payers)))}: one would replace the"
            " other, give one of the two reports another name"
        )


def _explained(shapes: Sequence[Layout], error: Exception) -> InfraspendError:
    """What is wrong with the files, by file, row and column where that can be found out."""
    for shape, file in _files(shapes):
        with duckdb.connect() as connection:
            try:
                bad = connection.execute(first_bad_value(shape, file)).fetchone()
            except duckdb.Error as unreadable:
                reason = str(unreadable).splitlines()[0]
                return InfraspendError(f"{file.name} cannot be read ({reason}): copy it again")
        if bad is not None:
            row, column, value = bad
            return InfraspendError(
                f"{file.name}, row {row}: {column} is {value!r}, which is no {CUR_COLUMNS[column]}"
            )
    return InfraspendError(f"the warehouse refused it: {str(error).splitlines()[0]}")


def _files(shapes: Sequence[Layout]) -> Iterator[tuple[Layout, DataFile]]:
    for shape in shapes:
        for file in shape.files:
            yield shape, file


def _check_landed(
    warehouse: Warehouse, source: Source, assembly: Assembly, lines: int, versions: list[str]
) -> None:
    """Compares what landed with what was delivered, and what was read with what is there now."""
    ((landed,),) = warehouse.query(
        f"select count(*) from {DATASET}.line_items where _assembly_id = ?", [assembly.assembly_id]
    )
    if landed != lines:
        raise InfraspendError(f"{landed} of {lines} lines landed: nothing was kept, run this again")
    if _versions(source, assembly) != versions:
        raise InfraspendError("AWS replaced files while they were being read: run this again")


def _record(
    warehouse: Warehouse, assembly: Assembly, files: Sequence[DataFile], found: Sequence[_Total]
) -> None:
    seconds = [
        total.shortest_interval_seconds for total in found if total.shortest_interval_seconds
    ]
    with localcontext(prec=38):
        unblended_cost = sum((total.unblended_cost for total in found), Decimal(0))
    warehouse.land_rows(
        DATASET,
        {
            "control_totals": [
                {
                    "assembly_id": assembly.assembly_id,
                    "payer_account_id": total.payer_account_id,
                    "currency_code": total.currency_code,
                    "line_count": total.line_count,
                    "unblended_cost": total.unblended_cost,
                    "net_unblended_cost": total.net_unblended_cost,
                    "unblended_cost_without_net": total.unblended_cost_without_net,
                    "landed_unblended_cost": total.landed_unblended_cost,
                    "landed_net_unblended_cost": total.landed_net_unblended_cost,
                    "landed_unblended_cost_without_net": total.landed_unblended_cost_without_net,
                    "lines_with_net": total.lines_with_net,
                }
                for total in found
            ],
            "assemblies": [
                {
                    "assembly_id": assembly.assembly_id,
                    "report": assembly.report,
                    "billing_period": assembly.billing_period,
                    "format": assembly.format,
                    "manifest_key": assembly.manifest,
                    "manifest_time": assembly.manifest_time,
                    "files": len(files),
                    "bytes": sum(file.bytes for file in files),
                    "sha256": sha256("".join(file.sha256 for file in files).encode()).hexdigest(),
                    "line_count": sum(total.line_count for total in found),
                    "unblended_cost": unblended_cost,
                    "grain_hours": max(1, min(seconds) // 3600) if seconds else 1,
                    "landed_at": utc_now(),
                }
            ],
        },
    )


def _reject_row(source: Source, period: PeriodManifest, reason: str) -> dict[str, object]:
    return {
        "file": source.location(period.name),
        "row_number": None,
        "reason": reason,
        "billing_period": period.billing_period,
        "report": period.report,
        "rejected_at": utc_now(),
    }
