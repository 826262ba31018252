"""Lands assemblies: verified, counted and checked one by one; then inserted, compared and recorded.

A load takes most of a second even if it is tiny, and a group's months are hundreds of assemblies.
So small ones land together.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal, localcontext
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
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
from infraspend.loaders.batch import Problem, compared, land_in_halves
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


_MOST_TOGETHER: Final = 100
"""How many assemblies land together."""

_BYTES_TOGETHER: Final = 32 << 20
"""How large assemblies that land together may be, as delivered: a larger one lands alone."""

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
class Prepared:
    """An assembly whose files are whole and counted, ready to land.

    Attributes:
        assembly: What the period's manifest names.
        delivered: Its files as they were when they were fetched.
        folder: Where its files can be read, until they have landed.
        files: Its files, verified.
        shapes: Its files by their columns.
        totals: What they add up to.
    """

    assembly: Assembly
    delivered: Sequence[File]
    folder: Path
    files: Sequence[DataFile] = ()
    shapes: Sequence[Layout] = ()
    totals: Sequence[Total] = ()

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return f"{self.assembly.report} {self.assembly.billing_period}"

    @property
    def delivery(self) -> str:
        """Its id."""
        return self.assembly.assembly_id

    @property
    def sent(self) -> dict[str, int]:
        """Table -> how many rows of it go there."""
        return {"line_items": self.lines}

    @property
    def maps(self) -> Path:
        """How its maps land, if it has any."""
        return self.folder / "maps.parquet"

    @property
    def bytes(self) -> int:
        """The size of its files as delivered."""
        return sum(file.bytes for file in self.files)

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return sum(total.line_count for total in self.totals)

    @property
    def unread_count(self) -> int:
        """How many of its values cannot be read and land as NULL."""
        return sum(total.unread_values for total in self.totals)

    def fits(self, others: Sequence["Prepared"]) -> bool:
        """Whether it may land together with others: they are small, and it does not depend on them.

        It does if it is about the same payer's month, or in another currency: it is compared with
        what has landed.
        """
        return (
            len(others) < _MOST_TOGETHER
            and self.bytes + sum(other.bytes for other in others) <= _BYTES_TOGETHER
            and all(
                len(self._currencies | other._currencies) < 2
                and (self.name != other.name or self._payers.isdisjoint(other._payers))
                for other in others
            )
        )

    @property
    def _currencies(self) -> set[str]:
        return {total.currency_code for total in self.totals if total.currency_code}

    @property
    def _payers(self) -> set[str | None]:
        return {total.payer_account_id for total in self.totals}


def prepare(
    warehouse: Warehouse, location: Location, assembly: Assembly, progress: Progress
) -> Prepared:
    """Fetches an assembly's files, proves that they are whole and counts what is in them.

    Args:
        warehouse: Where it goes.
        location: Where its files lie.
        assembly: What the period's manifest names.
        progress: Called with what is done next.

    Returns:
        The assembly; its folder is the caller's to delete.

    Raises:
        MissingFileError: A data file is not there (yet).
        ReplacedFileError: AWS replaced something meanwhile.
        InfraspendError: It is refused, or a file is damaged.
    """
    delivered = [location.stat(file) for file in assembly.files]
    folder = Path(mkdtemp(prefix="aws_cur-", dir=warehouse.workbench))
    one = Prepared(assembly, delivered, folder)
    if not delivered:
        return one
    try:
        files = list(_verified(warehouse, location, one, progress))
        checkpoint("files_verified")
        shapes = _layouts(assembly, files)
        left_out = sorted({column for shape in shapes for column in shape.left_out})
        if left_out := [column for column in left_out if column not in _PARTITION_COLUMNS]:
            progress(
                f"{one.name}: parts of a map that is there whole, left out: {', '.join(left_out)}"
            )
        others = sorted({key for shape in shapes for key in shape.members.get(OTHER_COLUMNS, ())})
        if others:
            progress(f"{one.name}: not in CUR 2.0, in {OTHER_COLUMNS}: {', '.join(others)}")
        try:
            totals = _count(warehouse, shapes, one.maps)
        except duckdb.Error as error:
            raise _explained(warehouse, shapes, error) from error
        if any(total.nameless_lines for total in totals):
            raise _explained(warehouse, shapes, LandingError("lines without account or cost"))
        checkpoint("lines_counted")
        return replace(one, files=files, shapes=shapes, totals=totals)
    except BaseException:
        shutil.rmtree(folder)
        raise


def check(
    warehouse: Warehouse,
    location: Location,
    one: Prepared,
    accept_empty: bool,
    progress: Progress,
) -> None:
    """Compares an assembly with what has landed before it.

    Args:
        warehouse: Where it goes.
        location: Where its files lie.
        one: The assembly.
        accept_empty: Whether it may hold nothing although something has landed before.
        progress: Called with what should be known about it.

    Raises:
        MissingFileError: It has no files (yet).
        InfraspendError: It is refused.
    """
    if not accept_empty:
        check_not_empty(warehouse, one.assembly, one.lines)
        if not one.files:
            raise MissingFileError(
                f"{location.url(one.assembly.manifest.name)} names no data files: wait for AWS's"
                " next delivery"
            )
    check_grain(one.shapes, one.totals)
    check_currency(warehouse, one.shapes, one.totals)
    if lacking := check_net_columns(one.shapes, one.totals):
        progress(
            f"{one.name}: warning: it has net costs and no column {', '.join(lacking)}:"
            " what got a discount is not known; add them to the report"
        )
    if undated := sum(total.undated_lines for total in one.totals):
        progress(f"{one.name}: {undated:,} lines without dates belong to the whole period")


def land(
    warehouse: Warehouse, location: Location, batch: Sequence[Prepared], progress: Progress
) -> list[Problem]:
    """Lands assemblies together, each whole or nothing of it.

    Args:
        warehouse: Where they go.
        location: Where their files lie.
        batch: The assemblies, each of which fits with the others.
        progress: Called with what is done next.

    Returns:
        For each of them why it did not land; None if it did.
    """

    def together(some: Sequence[Prepared]) -> list[Problem]:
        return _land_together(warehouse, location, some, progress)

    def refused(one: Prepared, error: Exception) -> InfraspendError:
        return _replaced(location, one) or _explained(warehouse, one.shapes, error)

    return land_in_halves(warehouse, DATASET, batch, together, refused)


def _land_together(
    warehouse: Warehouse, location: Location, batch: Sequence[Prepared], progress: Progress
) -> list[Problem]:
    if landings := [_line_items(one) for one in batch if one.files]:
        others = f" and {len(batch) - 1} others" if len(batch) > 1 else ""
        progress(
            f"{batch[0].name}{others}: landing {sum(one.lines for one in batch):,} lines of"
            f" {sum(len(one.files) for one in batch)} files,"
            f" {sum(one.bytes for one in batch):,} bytes"
        )
        warehouse.land(DATASET, landings)
    checkpoint("lines_landed")
    problems = compared(warehouse, DATASET, batch, lambda one: _replaced(location, one))
    if landed := [one for one, problem in zip(batch, problems, strict=True) if not problem]:
        _record(warehouse, landed)
    checkpoint("assembly_recorded")
    return problems


def _verified(
    warehouse: Warehouse, location: Location, one: Prepared, progress: Progress
) -> Iterator[DataFile]:
    """The assembly's files, each readable in the folder once it is proven whole."""
    delivered, form = one.delivered, one.assembly.format
    everything = sum(file.bytes for file in delivered)
    done = 0
    with warehouse.scratch() as connection:
        for number, file in enumerate(delivered, start=1):
            text = (
                f"{one.name}: verifying file {number} of {len(delivered)},"
                f" {done:,} of {everything:,} bytes are done"
            )
            progress(Step(text, done, everything))
            path = one.folder / f"{number:06}"
            where = location.url(file.name)
            location.fetch(file, path)
            if form in PARQUET:
                yield verify_parquet(where, path, connection)
            elif form == LEGACY_CSV_ZIP:
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


def _line_items(one: Prepared) -> Landing:
    assembly = one.assembly
    return Landing(
        table="line_items",
        select=" union all ".join(
            line_items(shape, assembly.assembly_id, assembly.billing_period, one.maps)
            for shape in one.shapes
        ),
        key="_assembly_id",
        deliveries=[assembly.assembly_id],
        partition={"billing_period": assembly.billing_period, "assembly": assembly.assembly_id},
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


def unread_values(warehouse: Warehouse, one: Prepared) -> Iterator[BadValue]:
    """The values that landed as NULL because they could not be read, as far as they are kept."""
    if one.unread_count:
        for shape, file in _files(one.shapes):
            yield from _bad_values(warehouse, shape, file, forgiving=True, most=MOST_NOTED)[0]


def _files(shapes: Sequence[Layout]) -> Iterator[tuple[Layout, DataFile]]:
    for shape in shapes:
        for file in shape.files:
            yield shape, file


def _replaced(location: Location, one: Prepared) -> Problem:
    """What says that a file is no longer the one that was read; None if each still is."""
    try:
        for file in (one.assembly.manifest, *one.delivered):
            if location.stat(file.name).version != file.version:
                return ReplacedFileError(
                    f"{location.url(file.name)} was replaced while it was being read"
                )
    except InfraspendError as error:
        return error
    return None


def _record(warehouse: Warehouse, batch: Sequence[Prepared]) -> None:
    """Writes what is kept of assemblies for ever; their rows in the ledger make them count."""
    warehouse.land_rows(
        DATASET,
        {
            "control_totals": [row for one in batch for row in _control_totals(one)],
            "assemblies": [_ledger_row(warehouse, one) for one in batch],
        },
        derived=[_summaries(warehouse, [one.assembly.assembly_id for one in batch])],
    )


def _control_totals(one: Prepared) -> Iterator[dict[str, object]]:
    for total in one.totals:
        yield {
            "assembly_id": one.assembly.assembly_id,
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


def _ledger_row(warehouse: Warehouse, one: Prepared) -> dict[str, object]:
    assembly = one.assembly
    seconds = grain_seconds(one.totals)
    with localcontext(prec=38):
        unblended_cost = sum((total.unblended_cost for total in one.totals), Decimal(0))
    return {
        "assembly_id": assembly.assembly_id,
        "report": assembly.report,
        "payer_account_id": payer_of(warehouse, assembly, one.totals),
        "billing_period": assembly.billing_period,
        "format": assembly.format,
        "manifest_key": assembly.manifest.name,
        "manifest_time": assembly.manifest.modified,
        "files": len(one.files),
        "bytes": one.bytes,
        "sha256": sha256("".join(file.sha256 for file in one.files).encode()).hexdigest(),
        "line_count": one.lines,
        "unblended_cost": unblended_cost,
        "grain_hours": max(1, ((seconds or 0) + 1800) // 3600),
        "landed_at": utc_now(),
    }


def _summaries(warehouse: Warehouse, assemblies: Sequence[str]) -> Landing:
    """What the lines of assemblies add up to by account and tag set."""
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
        from {warehouse.rows_of(DATASET, "line_items", assemblies)}
        group by all
        """,
        "assembly_id",
        assemblies,
    )
