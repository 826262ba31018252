"""Writes a published mart for spreadsheets: CSV to the last digit, Excel with dollars to the cent.

A text that a spreadsheet would take for a formula is written so that it stays a text.
"""

import csv
import re
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from infraspend.loaders.errors import InfraspendError, first_line
from infraspend.publishers import MONTHS

_FORMULAS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_MOST_ROWS = 1_048_575
"""How many rows an Excel sheet has below its header."""

_MOST_CHARACTERS = 32_767
"""How long a text in a cell of Excel may be."""

_BATCH = 10_000
_MONTH = re.compile(r"\d{4}-\d{2}")


def export(database: Path, mart: str, to: Path, month: str | None = None) -> int:
    """Writes the rows of a mart to a file for spreadsheets.

    Args:
        database: The published DuckDB file.
        mart: The name of the mart.
        to: The file to write, which ends in .csv or .xlsx; replaced whole.
        month: Only this month of the bill, such as `2026-10`; of the usage where a mart has no
            `billing_period`.

    Returns:
        How many rows were written.

    Raises:
        InfraspendError: There is no such mart, month, or kind of file; Excel has no room for so
            many rows; or the file cannot be written.
    """
    write = {".csv": _write_csv, ".xlsx": _write_xlsx}.get(to.suffix.lower())
    if write is None:
        raise InfraspendError(f"{to}: name a file that ends in .csv or .xlsx")
    if not database.is_file():
        raise InfraspendError(f"{database} is not there: run infraspend publish, or name --from")
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            condition = _condition(connection, mart, month)
            schema = "marts" if write is _write_csv else "rounded"
            ((count,),) = connection.execute(
                f"select count(*) from {schema}.{mart}{condition}"
            ).fetchall()
            if month and not count:
                raise InfraspendError(f"{mart} has no rows of {month}")
            if write is _write_xlsx and count > _MOST_ROWS:
                raise InfraspendError(
                    f"{count:,} rows are more than an Excel sheet has ({_MOST_ROWS:,}): name one"
                    " --month, or write a .csv"
                )
            # In one order, whenever it is written: months together, and comparable with the last.
            rows = connection.execute(f"from {schema}.{mart}{condition} order by all")
            to.parent.mkdir(parents=True, exist_ok=True)
            # Beside the old file, so that a rename replaces it.
            with TemporaryDirectory(prefix=".exporting-", dir=to.parent) as folder:
                new = Path(folder) / to.name
                write(rows, new)
                new.replace(to)
    except duckdb.Error as error:
        raise InfraspendError(f"{database} cannot be read ({first_line(error)})") from error
    except OSError as error:
        raise InfraspendError(f"{to} cannot be written ({error.strerror or error})") from error
    return int(count)


def spreadsheet_cell(value: object) -> object:
    """A value for a CSV that a spreadsheet never runs: an apostrophe marks text.

    Decimals have all of their digits and no exponent.
    """
    if isinstance(value, Decimal) and value.is_finite():
        return f"{value:f}"
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value


def _condition(connection: duckdb.DuckDBPyConnection, mart: str, month: str | None) -> str:
    """The requested rows of the mart, as SQL."""
    columns = connection.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts'"
    ).fetchall()
    if mart not in (marts := {name for name, _ in columns}):
        raise InfraspendError(f"there is no mart {mart}; there are {', '.join(sorted(marts))}")
    if month is None:
        return ""
    column = next((name for name in MONTHS if (mart, name) in columns), None)
    if column is None:
        raise InfraspendError(f"{mart} is not by month: leave --month out")
    if not _MONTH.fullmatch(month):
        raise InfraspendError(f"{month} is no month: months are written as 2026-10")
    return f" where {column} = '{month}'"


def _columns(rows: duckdb.DuckDBPyConnection) -> list[str]:
    """The names of the columns."""
    return [str(column[0]) for column in rows.description or ()]


def _batches(rows: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    """Every row, one batch at a time."""
    while batch := rows.fetchmany(_BATCH):
        yield from batch


def _write_csv(rows: duckdb.DuckDBPyConnection, to: Path) -> None:
    """CSV in UTF-8 with the byte order mark that Excel needs."""
    with to.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(_columns(rows))
        for row in _batches(rows):
            writer.writerow([spreadsheet_cell(value) for value in row])


def _short(text: str) -> str:
    """A text that fits in a cell; a cut one says so."""
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 20] + "... (cut)"


def _write_xlsx(rows: duckdb.DuckDBPyConnection, to: Path) -> None:
    """A sheet with a frozen header, a filter, and dates as Excel's own type."""
    # Imported here, because only this needs it.
    import xlsxwriter

    names = _columns(rows)
    settings = {"constant_memory": True, "remove_timezone": True}
    with xlsxwriter.Workbook(str(to), settings) as workbook:
        header = workbook.add_format({"bold": True})
        days = workbook.add_format({"num_format": "yyyy-mm-dd"})
        hours = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet = workbook.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(names) - 1, 18)
        for column, name in enumerate(names):
            sheet.write_string(0, column, name, header)
        line = 0
        for line, row in enumerate(_batches(rows), 1):
            for column, value in enumerate(row):
                if isinstance(value, bool):
                    sheet.write_boolean(line, column, value)
                elif isinstance(value, datetime):
                    sheet.write_datetime(line, column, value, hours)
                elif isinstance(value, date):
                    sheet.write_datetime(line, column, datetime.combine(value, time()), days)
                elif isinstance(value, (int, Decimal)):
                    sheet.write_number(line, column, value)
                elif value is not None:
                    # Never as a formula or a link, whatever it says.
                    sheet.write_string(line, column, _short(str(value)))
        sheet.autofilter(0, 0, line, len(names) - 1)
