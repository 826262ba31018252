"""Writes the SQL that turns a delivered file into charges, and says what is wrong with each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from infraspend.loaders.aws_cur.canonical import Value, canonical, map_of_entries
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.files import DataFile
from infraspend.loaders.focus_columns import (
    FOCUS_COLUMNS,
    MAPS,
    MONEY,
    OTHER_COLUMNS,
    RENAMED,
    REQUIRED,
)
from infraspend.loaders.sql import csv_call, literal
from infraspend.loaders.tables import TOTAL

_PARQUET: Final = ".parquet"

CATEGORIES: Final = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")
"""The values of ChargeCategory."""

_STATUSES: Final = ("Used", "Unused")


@dataclass(frozen=True)
class ChargeFile:
    """A verified file of charges.

    Attributes:
        file: The file.
        kind: What its name ends in: `.csv`, `.csv.gz` or `.parquet`.
        billing_period: `YYYY-MM`, where its folder says so; None otherwise.
    """

    file: DataFile
    kind: str
    billing_period: str | None = None

    @cached_property
    def values(self) -> Mapping[str, Value]:
        """Column -> what was delivered for it.

        Raises:
            InfraspendError: A column that every charge needs is missing, or is there twice.
        """
        found: dict[str, list[Value]] = {}
        for number, (name, kind) in enumerate(self.file.columns):
            # A CSV is read by position: its header may repeat but for its case.
            column = name if self.kind == _PARQUET else _position(number)
            found.setdefault(_spelled(name), []).append(Value(column, kind))
        values = {}
        for column in FOCUS_COLUMNS:
            for name in (column, *RENAMED.get(column, ())):
                delivered = found.get(_spelled(name), [])
                if len(delivered) > 1:
                    raise InfraspendError(
                        f"{self.file.name} has two columns {focus_name(name)}: leave one of them"
                        " out of the export"
                    )
                if delivered:
                    values[column] = delivered[0]
                    break
        if missing := [focus_name(column) for column in REQUIRED if column not in values]:
            raise InfraspendError(
                f"{self.file.name} has no column {', '.join(missing)}, so it is no FOCUS export:"
                " export it in FOCUS 1.0 or later, or leave it out; infraspend load aws-cur reads"
                " Cost and Usage Reports"
            )
        for column in MAPS:
            if column in values and not values[column].is_map:
                raise InfraspendError(
                    f"{self.file.name}: {focus_name(column)} is {values[column].kind}, which is no"
                    " map: have it written as a map, as JSON text or as a list of key and value"
                )
        return values

    @property
    def reader(self) -> str:
        """A table function call that reads the file."""
        if self.kind == _PARQUET:
            return f"read_parquet([{literal(str(self.file.path))}])"
        names = (_position(number) for number in range(len(self.file.columns)))
        return csv_call([self.file.path], names, "gzip" if self.kind == ".csv.gz" else "none")

    def statements(self) -> str:
        """The query for what the file says of each statement.

        Columns: those of `loaders.focus.loading.Total`. A problem is what is wrong with the first
        bad row; landed amounts are rounded as they land.
        """
        totals = []
        for column in MONEY:
            text = self._text(column)
            totals += [
                f"cast(sum(try_cast({text} as {TOTAL})) as {TOTAL}) as {column}",
                f"cast(sum({self._tried(column)}) as {TOTAL}) as landed_{column}",
            ]
        return f"""
            select
                {self._text("billing_account_id")} as billing_account_id,
                {self._tried("billing_period_start")} as billing_period_start,
                {self._text("service_provider_name")} as provider,
                {self._text("sub_account_id")} as sub_account_id,
                {self._text("billing_currency")} as billing_currency,
                count(*) as line_count,
                {", ".join(totals)},
                min(_row_number) as first_row,
                count(_problem) as bad_lines,
                min(case when _problem is not null then _row_number end) as first_bad_row,
                arg_min(_problem, _row_number) as problem
            from (
                select *, {self._problem()} as _problem
                from (select *, row_number() over () as _row_number from {self.reader}) as delivered
            ) as judged
            group by 1, 2, 3, 4, 5
        """

    def charges(self, statements: Sequence[tuple[str, str, str]]) -> str:
        """The query that gives the charges of some statements in the shape they land in.

        Args:
            statements: Of each its id, its billing account and the start of its billing period.
        """
        wanted = ", ".join(
            f"({literal(one)}, {literal(account)}, timestamp {literal(start)})"
            for one, account, start in statements
        )
        columns = ["wanted._statement_id"]
        for column, kind in FOCUS_COLUMNS.items():
            value = self.values.get(column)
            if column == OTHER_COLUMNS:
                expression = self._others()
            elif value is None:
                expression = f"cast(null as {kind})"
            elif column in MAPS:
                expression = canonical(_raw_map(value))
            else:
                expression = value.landed(kind)
            columns.append(f"{expression} as {column}")
        return (
            f"select {', '.join(columns)} from {self.reader} as delivered inner join"
            f" (values {wanted}) as wanted (_statement_id, account, period)"
            f" on {self._text('billing_account_id')} = wanted.account"
            f" and {self._tried('billing_period_start')} = wanted.period"
        )

    def _others(self) -> str:
        """The delivered columns that FOCUS columns have no place for, as JSON."""
        used = {value.name for value in self.values.values()}
        members = []
        for number, (name, kind) in enumerate(self.file.columns):
            column = name if self.kind == _PARQUET else _position(number)
            if column not in used:
                members.append(f"{literal(name)}: {Value(column, kind).delivered}")
        if not members:
            return "cast(null as json)"
        return canonical(f"cast(to_json({{{', '.join(members)}}}) as varchar)")

    def _text(self, column: str) -> str:
        """A column as text; NULL where nothing is in it, or where it was not delivered."""
        value = self.values.get(column)
        return value.text if value else "cast(null as varchar)"

    def _tried(self, column: str) -> str:
        """A column as it lands; NULL where it cannot be read."""
        value = self.values.get(column)
        kind = FOCUS_COLUMNS[column]
        return value.landed(kind, forgiving=True) if value else f"cast(null as {kind})"

    def _problem(self) -> str:
        """What is wrong with a charge: NULL if nothing is."""
        cases = []
        for column, kind in FOCUS_COLUMNS.items():
            value = self.values.get(column)
            if value is None or column == OTHER_COLUMNS:
                continue
            if column in REQUIRED:
                cases.append((f"{value.text} is null", f"'{focus_name(column)} is empty'"))
            if column in MAPS:
                readable = f"try_cast(try_cast({_raw_map(value)} as json) as map(varchar, varchar))"
            elif kind == "varchar":
                continue
            else:
                readable = value.landed(kind, forgiving=True)
            noun = {"json": "map", "timestamp": "time"}.get(kind, "number")
            cases.append(
                (
                    f"{value.text} is not null and {readable} is null",
                    f"{self._given(column)} || ', which is no {noun}'",
                )
            )
        category, correction = self._text("charge_category"), self._text("charge_class")
        status = self._text("commitment_discount_status")
        starts, ends = self._tried("charge_period_start"), self._tried("charge_period_end")
        from_, until = self._tried("billing_period_start"), self._tried("billing_period_end")
        quantity = self._tried("consumed_quantity")
        usage = f"{category} = 'Usage' and {correction} is distinct from 'Correction'"
        cases += [
            (
                f"{category} not in {CATEGORIES}",
                f"{self._given('charge_category')} || ', which is none of {', '.join(CATEGORIES)}'",
            ),
            (
                f"{status} not in {_STATUSES}",
                f"{self._given('commitment_discount_status')}"
                f" || ', which is none of {', '.join(_STATUSES)}'",
            ),
            (
                f"{usage} and {quantity} < 0",
                f"{self._given('consumed_quantity')}"
                " || ': usage is negative, and ChargeClass is not Correction'",
            ),
            (
                f"{until} <= {from_}",
                f"{self._given('billing_period_end')} || ', which is not after BillingPeriodStart'",
            ),
            (
                f"{ends} < {starts}",
                f"{self._given('charge_period_end')} || ', which is before ChargePeriodStart'",
            ),
            (
                f"{usage} and {starts} >= {until}",
                f"{self._given('charge_period_start')}"
                " || ': usage after the end of its billing period'",
            ),
        ]
        if self.billing_period:
            cases.append(
                (
                    f"strftime({from_}, '%Y-%m') <> {literal(self.billing_period)}",
                    f"{self._given('billing_period_start')}"
                    f" || ', and its folder is of {self.billing_period}'",
                )
            )
        whens = " ".join(f"when {condition} then {text}" for condition, text in cases)
        return f"case {whens} end"

    def _given(self, column: str) -> str:
        """A SQL text that names a column and what was delivered in it."""
        return f"'{focus_name(column)} is ''' || {self._text(column)} || ''''"


def _raw_map(value: Value) -> str:
    """A map as the JSON text of an object, also where the text is a list of keys and values."""
    if value.kind not in ("VARCHAR", "JSON"):
        return value.raw_map
    key, member = (
        f"coalesce(entry ->> '$.{name}', entry ->> '$.{name.capitalize()}')"
        for name in ("key", "value")
    )
    entries = (
        f"list_transform(try_cast({value.delivered} as json[]),"
        f" lambda entry: {{'key': {key}, 'value': {member}}})"
    )
    return (
        f"case when starts_with({value.delivered}, '[')"
        f" then cast(to_json({map_of_entries(entries)}) as varchar) else {value.text} end"
    )


def focus_name(column: str) -> str:
    """A column as FOCUS spells it: BilledCost."""
    return "".join(word.capitalize() for word in column.split("_"))


def _spelled(name: str) -> str:
    """A column's name in the spelling in which it is compared."""
    return name.lower().replace("_", "")


def _position(number: int) -> str:
    return f"column_{number:04}"


def file_kind(name: str) -> str:
    """What a file's name ends in."""
    return next(suffix for suffix in SUFFIXES if name.endswith(suffix))


SUFFIXES: Final = (".csv.gz", ".csv", _PARQUET)
"""What the names of files of charges end in."""
