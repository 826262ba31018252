"""Lands one assembly: verified, counted, inserted by one statement, compared, recorded."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal, localcontext
from hashlib import sha256
from pathlib import Path
from typing import Final

import duckdb

from infraspend.loaders.aws_cur.canonical import (
    Layout,
    bad_values,
    control_totals,
    dictionary,
    layouts,
    line_items,
)
from infraspend.loaders.aws_cur.checks import (
    Total,
    check_columns,
    check_currency,
    check_grain,
    check_net_columns,
    check_not_empty,
    grain_seconds,
    payer_of,
)
from infraspend.loaders.aws_cur.columns import ACCOUNTS, COST, OTHER_COLUMNS, DuplicateColumnError
from infraspend.loaders.aws_cur.manifest import LEGACY_CSV_ZIP, PARQUET, Assembly
from infraspend.loaders.clock import utc_now
from infraspend.loaders.cur_columns import CUR_COLUMNS
from infraspend.loaders.errors import InfraspendError, first_line
from infraspend.loaders.files import (
    DataFile,
    unpack_csv_zip,
    unreadable_line,
    verify_csv_gz,
    verify_parquet,
)
from infraspend.loaders.locations import File, Location, MissingFileError, ReplacedFileError
from infraspend.loaders.result import Progress, Step
from infraspend.loaders.sql import literal
from infraspend.loaders.warehouse import Landing, LandingError, Warehouse, checkpoint

DATASET: Final = "raw_aws_cur"

# Columns that an export may bring along and that say nothing about a charge.
_PARTITION_COLUMNS: Final = frozenset({"billing_period", "BILLING_PERIOD"})


_MOST_NAMED: Final = 20
"""How many bad values of a delivery a refusal names."""

MOST_NOTED: Final = 1000
"""How many bad values of a file are kept in `rejects`."""


@dataclass(frozen=True)
class BadValue:
    """A value that its column cannot take.

    Attributes:
        file: The file's name.
        row: Its row, the first below the header is 1.
        column: The CUR 2.0 column.
        value: What was delivered; None if nothing.
    """

    file: str
    row: int
    column: str
    value: str | None

    @property
    def reason(self) -> str:
        """What is wrong with it."""
        given = f"{self.column} is {'empty' if self.value is None else repr(self.value)}"
        if self.column in (*ACCOUNTS, COST):
            wanted = "twelve digits" if self.column in ACCOUNTS else "a number"
            return f"{given}, and a line of a bill needs {wanted}"
        kind = {"varchar": "interval of time", "json": "map"}.get(
            CUR_COLUMNS[self.column], CUR_COLUMNS[self.column]
        )
        return f"{given}, which is no {kind}"

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}: {self.reason}"


@dataclass(frozen=True)
class Landed:
    """What landing an assembly came to.

    Attributes:
        lines: The lines that landed.
        unread: Values that landed as NULL because they could not be read, as far as they are kept.
        unread_count: How many there were.
    """

    lines: int
    unread: tuple[BadValue, ...] = ()
    unread_count: int = 0


def land(
    warehouse: Warehouse,
    location: Location,
    assembly: Assembly,
    accept_empty: bool,
    progress: Progress,
) -> Landed:
    """Lands an assembly whole, or nothing of it.

    Args:
        warehouse: Where it goes.
        location: Where its files lie.
        assembly: What the period's manifest names.
        accept_empty: Whether it may hold nothing although something has landed before.
        progress: Called with what is done next.

    Returns:
        The number of its lines, and what could not be read in columns that no money depends on.

    Raises:
        MissingFileError: A data file is not there (yet).
        ReplacedFileError: AWS replaced something meanwhile.
        InfraspendError: It is refused, or a file is damaged.
    """
    name = f"{assembly.report} {assembly.billing_period}"
    if not assembly.files:
        return _land_nothing(warehouse, location, assembly, accept_empty)
    delivered = [location.stat(file) for file in assembly.files]
    folder = warehouse.workbench / "aws_cur"
    folder.mkdir()
    try:
        files = list(_verified(warehouse, location, assembly, delivered, folder, progress))
        checkpoint("files_verified")
        shapes = _layouts(assembly, files)
        left_out = sorted({column for shape in shapes for column in shape.left_out})
        if left_out := [column for column in left_out if column not in _PARTITION_COLUMNS]:
            progress(f"{name}: parts of a map that is there whole, left out: {', '.join(left_out)}")
        others = sorted({key for shape in shapes for key in shape.members.get(OTHER_COLUMNS, ())})
        if others:
            progress(f"{name}: not in CUR 2.0, in {OTHER_COLUMNS}: {', '.join(others)}")
        try:
            maps = folder / "maps.parquet"
            found = _count(warehouse, shapes, maps)
            lines = sum(total.line_count for total in found)
            if any(total.nameless_lines for total in found):
                raise _explained(warehouse, shapes, LandingError("lines without account or cost"))
            if not accept_empty:
                check_not_empty(warehouse, assembly, lines)
            check_grain(shapes, found)
            check_currency(warehouse, shapes, found)
            if lacking := check_net_columns(shapes, found):
                progress(
                    f"{name}: warning: it has net costs and no column {', '.join(lacking)}:"
                    " what got a discount is not known; add them to the report"
                )
            checkpoint("lines_counted")
            progress(
                f"{name}: landing {lines:,} lines of {len(files)} files,"
                f" {sum(file.bytes for file in files):,} bytes"
            )
            if undated := sum(total.undated_lines for total in found):
                progress(f"{name}: {undated:,} lines without dates belong to the whole period")
            _land_lines(warehouse, assembly, shapes, maps)
        except (duckdb.Error, LandingError) as error:
            raise _explained(warehouse, shapes, error) from error
        checkpoint("lines_landed")
        try:
            _check_landed(warehouse, location, assembly, lines, delivered)
        except InfraspendError:
            warehouse.remove(DATASET, assembly.assembly_id)
            raise
        _record(warehouse, assembly, files, found)
        checkpoint("assembly_recorded")
        return Landed(lines, tuple(_unread(warehouse, shapes, found)), _unread_values(found))
    finally:
        shutil.rmtree(folder)


def _land_nothing(
    warehouse: Warehouse, location: Location, assembly: Assembly, accept_empty: bool
) -> Landed:
    """Records an assembly without files where that was accepted; otherwise it is still to come."""
    if not accept_empty:
        check_not_empty(warehouse, assembly, 0)
        raise MissingFileError(
            f"{location.url(assembly.manifest.name)} names no data files: wait for AWS's next"
            " delivery"
        )
    _record(warehouse, assembly, [], [])
    return Landed(0)


def _verified(
    warehouse: Warehouse,
    location: Location,
    assembly: Assembly,
    delivered: Sequence[File],
    folder: Path,
    progress: Progress,
) -> Iterator[DataFile]:
    """The assembly's files, each readable in the folder once it is proven whole."""
    everything = sum(file.bytes for file in delivered)
    done = 0
    with warehouse.scratch() as connection:
        for number, file in enumerate(delivered, start=1):
            text = (
                f"{assembly.report} {assembly.billing_period}: verifying file {number} of"
                f" {len(delivered)}, {done:,} of {everything:,} bytes are done"
            )
            progress(Step(text, done, everything))
            path = folder / f"{number:06}"
            where = location.url(file.name)
            location.fetch(file, path)
            if assembly.format in PARQUET:
                yield verify_parquet(where, path, connection)
            elif assembly.format == LEGACY_CSV_ZIP:
                yield unpack_csv_zip(where, path, path.with_suffix(".csv"))
            else:
                yield verify_csv_gz(where, path)
            done += file.bytes


def _layouts(assembly: Assembly, files: Sequence[DataFile]) -> list[Layout]:
    try:
        shapes = layouts(files, assembly.format)
    except DuplicateColumnError as error:
        first = next(
            file.name for file in files if any(name == error.delivered for name, _ in file.columns)
        )
        raise InfraspendError(f"{first}: {error}: leave one of them out of the report") from error
    check_columns(shapes)
    return shapes


def _count(warehouse: Warehouse, shapes: Sequence[Layout], maps: Path) -> list[Total]:
    """What the files add up to; writes how their maps land, if they have any, to `maps`."""
    with warehouse.scratch() as connection:
        connection.execute(f"create table counted as {control_totals(shapes)}")
        if query := dictionary(shapes, "counted"):
            connection.execute(f"copy ({query}) to {literal(str(maps))} (format parquet)")
        columns = ", ".join(field.name for field in fields(Total))
        counted = connection.execute(
            f"select {columns} from counted order by payer_account_id, currency_code"
        )
        return [Total(*row) for row in counted.fetchall()]


def _land_lines(
    warehouse: Warehouse, assembly: Assembly, shapes: Sequence[Layout], maps: Path
) -> None:
    select = " union all ".join(
        line_items(shape, assembly.assembly_id, assembly.billing_period, maps) for shape in shapes
    )
    warehouse.land(
        DATASET,
        [
            Landing(
                table="line_items",
                select=select,
                key="_assembly_id",
                deliveries=[assembly.assembly_id],
                partition={
                    "billing_period": assembly.billing_period,
                    "assembly": assembly.assembly_id,
                },
            )
        ],
    )


def _explained(warehouse: Warehouse, shapes: Sequence[Layout], error: Exception) -> InfraspendError:
    """What is wrong with the files, by file, row and column where that can be found out."""
    mistakes: list[str] = []
    count = 0
    for shape, file in _files(shapes):
        try:
            bad, found = _bad_values(warehouse, shape, file, forgiving=False, most=_MOST_NAMED)
        except duckdb.Error as unreadable:
            mistakes.append(_cannot_be_read(shape, file, unreadable))
            count += 1
            continue
        mistakes += map(str, bad)
        count += found
    if not mistakes:
        # In a column that was not looked at.
        mistakes = [
            _cannot_be_read(shape, file, error)
            for shape, file in _files(shapes)
            if _bad_line(shape, file)
        ]
        count = len(mistakes)
    if not mistakes:
        return InfraspendError(f"the warehouse refused it: {first_line(error)}")
    more = f"; and {count - _MOST_NAMED:,} more" if count > _MOST_NAMED else ""
    return InfraspendError(f"{'; '.join(mistakes[:_MOST_NAMED])}{more}")


def _bad_line(shape: Layout, file: DataFile) -> str | None:
    """The first line of a text file that cannot be read, and why; None if each can."""
    if shape.format in PARQUET:
        return None
    return unreadable_line(file, packed=shape.format != LEGACY_CSV_ZIP)


def _cannot_be_read(shape: Layout, file: DataFile, error: Exception) -> str:
    reason = _bad_line(shape, file) or first_line(error)
    return f"{file.name} cannot be read ({reason}): copy it again"


def _bad_values(
    warehouse: Warehouse, shape: Layout, file: DataFile, *, forgiving: bool, most: int
) -> tuple[list[BadValue], int]:
    """The first bad values of a file, and how many it has."""
    with warehouse.scratch() as connection:
        query = bad_values(shape, file, forgiving=forgiving, most=most)
        found = connection.execute(query).fetchall()
    return [BadValue(file.name, *row[:3]) for row in found], found[0][3] if found else 0


def _unread_values(found: Sequence[Total]) -> int:
    return sum(total.unread_values for total in found)


def _unread(
    warehouse: Warehouse, shapes: Sequence[Layout], found: Sequence[Total]
) -> Iterator[BadValue]:
    """The values that landed as NULL because they could not be read."""
    if _unread_values(found):
        for shape, file in _files(shapes):
            yield from _bad_values(warehouse, shape, file, forgiving=True, most=MOST_NOTED)[0]


def _files(shapes: Sequence[Layout]) -> Iterator[tuple[Layout, DataFile]]:
    for shape in shapes:
        for file in shape.files:
            yield shape, file


def _check_landed(
    warehouse: Warehouse,
    location: Location,
    assembly: Assembly,
    lines: int,
    delivered: Sequence[File],
) -> None:
    """Compares what landed with what was delivered, and what was read with what is there now."""
    there = warehouse.rows_of(DATASET, "line_items", [assembly.assembly_id])
    ((landed,),) = warehouse.query(f"select count(*) from {there}")
    if landed != lines:
        raise InfraspendError(f"{landed} of {lines} lines landed: nothing was kept, run this again")
    for file in (assembly.manifest, *delivered):
        if location.stat(file.name).version != file.version:
            raise ReplacedFileError(
                f"{location.url(file.name)} was replaced while it was being read"
            )


def _record(
    warehouse: Warehouse, assembly: Assembly, files: Sequence[DataFile], found: Sequence[Total]
) -> None:
    """Writes what is kept of an assembly for ever; its row in the ledger makes it count."""
    seconds = grain_seconds(found)
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
                    "payer_account_id": payer_of(warehouse, assembly, found),
                    "billing_period": assembly.billing_period,
                    "format": assembly.format,
                    "manifest_key": assembly.manifest.name,
                    "manifest_time": assembly.manifest.modified,
                    "files": len(files),
                    "bytes": sum(file.bytes for file in files),
                    "sha256": sha256("".join(file.sha256 for file in files).encode()).hexdigest(),
                    "line_count": sum(total.line_count for total in found),
                    "unblended_cost": unblended_cost,
                    "grain_hours": max(1, ((seconds or 0) + 1800) // 3600),
                    "landed_at": utc_now(),
                }
            ],
        },
        derived=[_summary(warehouse, assembly)],
    )


def _summary(warehouse: Warehouse, assembly: Assembly) -> Landing:
    """What an assembly's lines add up to by account and tag set."""
    return Landing(
        "summaries",
        f"""
        select
            _assembly_id as assembly_id,
            bill_payer_account_id as payer_account_id,
            line_item_usage_account_id as account_id,
            coalesce(cast(resource_tags as varchar), '{{}}') as tags,
            count(*) as line_count,
            cast(sum(line_item_unblended_cost) as decimal(38,18)) as unblended_cost,
            cast(sum(line_item_net_unblended_cost) as decimal(38,18)) as net_unblended_cost
        from {warehouse.rows_of(DATASET, "line_items", [assembly.assembly_id])}
        group by all
        """,
        "assembly_id",
        [assembly.assembly_id],
    )
