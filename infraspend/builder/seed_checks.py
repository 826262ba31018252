"""Finds all mistakes in seeds at once, without dbt.

The rules for cells are read from dbt's own tests of the seeds (models/staging/seeds/), so that they
are in one place. DuckDB casts text to numbers and times, as in the build. dbt's tests find what
needs more than a row: rows that overlap, or name no platform.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import duckdb

from infraspend import INSTALLED
from infraspend.projects import read_yml

_PROPERTIES: Final = INSTALLED / "models" / "staging" / "seeds"
_MOST_CHARACTERS: Final = 60

_WITH_KEY: Final = ("tag", "account_tag", "cost_category", "pod_label", "namespace_label")
_WITHOUT_KEY: Final = (
    *("resource_id", "account", "product", "usage_type", "operation", "charge_class"),
    "namespace",
)
_MATCH_TYPES: Final = ("equals", "regex", "present")
_ACCOUNT: Final = re.compile("[0-9]{12}")
_NO_ACCOUNT: Final = "is no account id: twelve digits, zeros in front too"
_NO_HOUR: Final = "is no hour: write 2026-11-01 or 2026-11-01 13:00:00, UTC"
_KINDS: Final = {"int": "whole number", "timestamp": "time: write 2026-11-01 13:00:00, UTC"}

Row = Mapping[str, str]


@dataclass(frozen=True)
class _Seed:
    """A seed as in its file.

    Attributes:
        rows: Its rows, each with the line that it begins in.
        mistakes: What is wrong with the file, or with malformed rows, each with its line.
    """

    rows: tuple[tuple[int, Row], ...]
    mistakes: tuple[tuple[int, str], ...]

    def values(self, column: str) -> set[str]:
        """The values of a column, without empty cells."""
        return {row[column] for _, row in self.rows if row.get(column)}


def mistakes_in(
    directory: Path, columns: Mapping[str, Sequence[str]], optional: Sequence[str]
) -> list[str]:
    """Every mistake in the seeds of a directory, in the order of files and lines.

    Args:
        directory: The directory of the CSVs.
        columns: Seed -> its required columns.
        optional: The seeds whose file may be missing.

    Returns:
        A line for each: file, line, column, value, and what is allowed.
    """
    seeds = {
        name: _read(directory / f"{name}.csv", columns[name], is_optional=name in optional)
        for name in columns
    }
    found = []
    with duckdb.connect() as connection:
        for name, seed in seeds.items():
            mistakes = [
                *seed.mistakes,
                *_Checker(connection, seeds, name, columns[name]).mistakes(),
            ]
            found += [
                _in_file(name, line, mistake)
                for line, mistake in sorted(mistakes, key=itemgetter(0))
            ]
    return found


def _in_file(seed: str, line: int, mistake: str) -> str:
    """A mistake with its file and line; a whole file's has the line 0."""
    return f"{seed}.csv, line {line}{mistake}" if line else f"{seed}.csv {mistake}"


def _read(path: Path, columns: Sequence[str], *, is_optional: bool) -> _Seed:
    """Reads a seed; rows that are too short or too long are mistakes."""
    rows, mistakes = [], []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            if fault := _fault_of(header, columns):
                return _Seed((), ((0, fault),))
            before = reader.line_num
            for cells in reader:
                line, before = before + 1, reader.line_num
                if len(cells) == len(header):
                    rows.append((line, dict(zip(header, cells, strict=True))))
                elif cells:
                    mistakes.append((line, _length_of(cells, header)))
    except FileNotFoundError:
        return _Seed((), () if is_optional else ((0, "is missing"),))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return _Seed((), ((0, f"cannot be read ({error})"),))
    return _Seed(tuple(rows), tuple(mistakes))


def _fault_of(header: Sequence[str], columns: Sequence[str]) -> str | None:
    """What is wrong with a seed's first line; None where nothing is."""
    if missing := [column for column in columns if column not in header]:
        return f"lacks {', '.join(missing)}"
    if twice := sorted({column for column in header if header.count(column) > 1}):
        return f"has {', '.join(twice)} twice"
    return None


def _length_of(cells: Sequence[str], header: Sequence[str]) -> str:
    """The mistake of a row with too few or too many cells."""
    return f": {len(cells)} cells where the header has {len(header)}: {_shown(','.join(cells))}"


def _shown(value: str) -> str:
    """A value as a message shows it."""
    text = " ".join(value.split())
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}..."


class _Checker:
    """Checks the rows of one seed.

    Args:
        connection: Casts text to numbers and times.
        seeds: All seeds, for references between them.
        name: The seed.
        columns: The columns that it has.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        seeds: Mapping[str, _Seed],
        name: str,
        columns: Sequence[str],
    ) -> None:
        self._connection = connection
        self._seeds = seeds
        self._seed = seeds[name]
        self._name = name
        self._columns = columns

    def mistakes(self) -> Iterator[tuple[int, str]]:
        """Each mistake with its line."""
        for column in self._columns:
            yield from self._cells(column)
        for since, until in _spans_of(self._name):
            yield from self._spans(since, until)
        if self._name == "label_rules":
            yield from self._rules()

    def _cells(self, column: str) -> Iterator[tuple[int, str]]:
        """The cells of a column that dbt's tests would refuse."""
        complaints: dict[str, str] = {}
        for test, arguments in _tests_of(self._name, column):
            if complain := _COMPLAINTS.get(test):
                complaints |= complain(self, column, arguments)
        for line, row in self._seed.rows:
            if complaint := complaints.get(row[column]):
                yield line, _about(row, column, complaint)

    def _spans(self, since: str, until: str) -> Iterator[tuple[int, str]]:
        """The rows that end before, or when, they begin."""
        times = self._cast(self._seed.values(since) | self._seed.values(until), "timestamp")
        for line, row in self._seed.rows:
            begin, end = times.get(row[since]), times.get(row[until])
            if begin is not None and end is not None and begin >= end:
                yield line, _about(row, until, f"is not after {since} '{row[since]}'")

    def _rules(self) -> Iterator[tuple[int, str]]:
        """The invalid rows of label rules."""
        is_pattern = self._computed(
            self._seed.values("match_value"), "try(regexp_matches('', value)) is not null"
        )
        for line, row in self._seed.rows:
            for column, complaint in _problems_of_rule(row, is_pattern):
                yield line, _about(row, column, complaint)

    def is_given(self, _column: str, _arguments: Mapping[str, Any]) -> dict[str, str]:
        """A cell must not be empty."""
        return {"": "is empty, and must be given"}

    def is_one_of(self, column: str, arguments: Mapping[str, Any]) -> dict[str, str]:
        """A cell must be one of some words."""
        allowed = [str(word) for word in arguments["values"]]
        return dict.fromkeys(self._seed.values(column) - set(allowed), _not_one_of(allowed))

    def is_an_account(self, column: str, _arguments: Mapping[str, Any]) -> dict[str, str]:
        """A cell must be the id of an account."""
        values = self._seed.values(column)
        return {value: _NO_ACCOUNT for value in values if not _ACCOUNT.fullmatch(value)}

    def is_an_hour(self, column: str, _arguments: Mapping[str, Any]) -> dict[str, str]:
        """A cell must be a time on the hour."""
        hours = self._computed(
            self._seed.values(column),
            "date_trunc('hour', try_cast(value as timestamp)) = try_cast(value as timestamp)",
        )
        return {value: _NO_HOUR for value, is_hour in hours.items() if not is_hour}

    def casts_to(self, column: str, arguments: Mapping[str, Any]) -> dict[str, str]:
        """A cell must be a number or a time."""
        kind = str(arguments["type"])
        complaint = f"is no {_KINDS.get(kind, 'number')}"
        cast = self._cast(self._seed.values(column), kind)
        return {value: complaint for value, made in cast.items() if made is None}

    def is_between(self, column: str, arguments: Mapping[str, Any]) -> dict[str, str]:
        """A cell must be a number within limits."""
        lowest, highest = arguments["lowest"], arguments["highest"]
        numbers = self._cast(self._seed.values(column), "decimal(38, 10)")
        return {
            value: f"is not between {lowest} and {highest}"
            for value, number in numbers.items()
            if number is not None and not lowest <= number <= highest
        }

    def names_one_of(self, column: str, arguments: Mapping[str, Any]) -> dict[str, str]:
        """A cell must name a row of another seed."""
        other, field = arguments["to"].split("'")[1], arguments["field"]
        if self._seeds[other].mistakes:
            # The other seed has mistakes of its own: its names are incomplete.
            return {}
        unknown = self._seed.values(column) - self._seeds[other].values(field)
        return dict.fromkeys(unknown, f"is no {field} of {other}.csv")

    def _cast(self, values: set[str], kind: str) -> dict[str, Any]:
        """Texts cast to another type; None for those that cannot be."""
        return self._computed(values, f"try_cast(value as {kind})")

    def _computed(self, values: set[str], expression: str) -> dict[str, Any]:
        """The results of an expression for some texts, each called `value` in it."""
        query = f"select value, {expression} from (select unnest($1::varchar[]) as value)"
        return dict(self._connection.execute(query, [sorted(values)]).fetchall())


_COMPLAINTS: Final[dict[str, Callable[[_Checker, str, Mapping[str, Any]], dict[str, str]]]] = {
    "is_given": _Checker.is_given,
    "is_one_of": _Checker.is_one_of,
    "is_an_account": _Checker.is_an_account,
    "is_an_hour": _Checker.is_an_hour,
    "casts_to": _Checker.casts_to,
    "is_between": _Checker.is_between,
    "names_one_of": _Checker.names_one_of,
}
"""dbt's test of a column -> the function that finds the values that it refuses, and why."""


def _problems_of_rule(row: Row, is_pattern: Mapping[str, bool]) -> Iterator[tuple[str, str]]:
    """The check of the macro label_rule_problem for a label rule's row: column, complaint."""
    on, kind, value = row["match_on"], row["match_type"], row["match_value"]
    if on and on not in (*_WITH_KEY, *_WITHOUT_KEY):
        yield "match_on", _not_one_of((*_WITH_KEY, *_WITHOUT_KEY))
    if kind and kind not in _MATCH_TYPES:
        yield "match_type", _not_one_of(_MATCH_TYPES)
    if on in _WITH_KEY and not row["match_key"]:
        yield "match_key", f"is empty, and match_on {on} needs it"
    if on in _WITHOUT_KEY and row["match_key"]:
        yield "match_key", f"must be empty with match_on {on}"
    if kind == "present" and value:
        yield "match_value", "must be empty with match_type present"
    if kind in ("equals", "regex") and not value:
        yield "match_value", f"is empty, and match_type {kind} needs it"
    if kind == "regex" and value and not is_pattern[value]:
        yield "match_value", "is no regular expression (RE2)"
    # An account of another provider than AWS is no number, or is matched by a pattern.
    if (on, kind) == ("account", "equals") and value.isdecimal() and not _ACCOUNT.fullmatch(value):
        yield "match_value", _NO_ACCOUNT


def _not_one_of(words: Sequence[str]) -> str:
    """The complaint that a value is not one of the allowed ones."""
    return f"is not one of {', '.join(words)}"


def _about(row: Row, column: str, complaint: str) -> str:
    """A complaint about a cell, with its column and value."""
    return f", {column}: " + (f"'{_shown(row[column])}' " if row[column] else "") + complaint


# dbt's tests of the seeds


def _tests_of(seed: str, column: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The tests of a seed's column, and the limits of its number."""
    yield from _tests_in(_properties("_seeds.yml", "seeds", seed), column)
    for test, arguments in _tests_in(_staged(seed), column):
        if test == "is_between":
            yield test, arguments


def _spans_of(seed: str) -> list[tuple[str, str]]:
    """The columns from and until which a seed's rows are valid, if these must be in order."""
    return sorted(
        {
            (arguments["from"], arguments["until"])
            for test, arguments in map(_named, _staged(seed).get("data_tests", ()))
            if test == "never_overlaps"
        }
    )


def _staged(seed: str) -> Mapping[str, Any]:
    """The properties of the model that types a seed, if it has one."""
    if not (_PROPERTIES / f"stg_seeds__{seed}.yml").is_file():
        return {}
    return _properties(f"stg_seeds__{seed}.yml", "models", f"stg_seeds__{seed}")


def _tests_in(
    properties: Mapping[str, Any], column: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The tests of one column."""
    for described in properties.get("columns", ()):
        if described["name"] == column:
            yield from map(_named, described.get("data_tests", ()))


def _named(test: str | Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """A test's name and its arguments."""
    if isinstance(test, str):
        return test, {}
    ((name, settings),) = test.items()
    return name, settings.get("arguments", {})


@cache
def _properties(file: str, kind: str, name: str) -> Mapping[str, Any]:
    """A file's properties of a seed or model."""
    (properties,) = (one for one in _loaded(file)[kind] if one["name"] == name)
    return dict(properties)


@cache
def _loaded(file: str) -> Mapping[str, Any]:
    """A file of properties."""
    return dict(read_yml(_PROPERTIES / file))
