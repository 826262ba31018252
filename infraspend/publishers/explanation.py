"""Explains a label's spend: its charges, label rules, platforms and usage."""

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infraspend.loaders.errors import InfraspendError
from infraspend.publishers.currency import currency_of
from infraspend.publishers.exporting import spreadsheet_cell

_SPAN = "lyft_label = $label and usage_date between $first_day and $day"
_REASONS = f"""
    select
        concat_ws(
            ' ', product, usage_type, operation, charge_class, nullif(pricing_model, 'none'),
            'account ' || account_id
        ) as charge,
        source_label, label_rule, coalesce(way, '') as way, coalesce(usage_of, '') as usage_of,
        coalesce(basis, '') as basis, cast(sum(hours) as bigint) as hours,
        sum(charge_true_cost) as charge_true_cost, sum(spend) as spend
    from marts.explained_spend
    where {_SPAN}
    group by all
    order by spend desc, charge, source_label, label_rule, way, usage_of, basis
"""
_STEPS = f"""
    select
        usage_hour, interval_hours, way, usage_of, step, step_name, platform, sub_platform,
        capacity_pool, cost_model, usage_label, max(usage) as usage,
        max(total_usage) as total_usage, unit, basis, sum(spend_before) as spend_before,
        sum(spend_after) as spend_after, is_last_step
    from marts.explained_splits
    where {_SPAN}
    group by all
    order by way, usage_of, usage_hour, interval_hours, step
"""
_SPEND = f"select sum(spend) from marts.daily_spend where {_SPAN}"
_RULE = """
    select
        match_on || coalesce(' ' || match_key, '') || ' ' || match_type
        || coalesce(' ' || match_value, '')
    from staging.stg_seeds__label_rules
    where rule_order = ?
    order by all
"""
_DAYS = """
    select
        min(usage_date) filter (lyft_label = $label), max(usage_date) filter (lyft_label = $label),
        min(usage_date), max(usage_date)
    from marts.daily_spend
"""
_INCOMPLETE = """
    select date_day from marts.time_spine
    where date_day between $first_day and $day and not is_complete
    order by date_day
"""


_FEW_SUMS = 3
"""How many sums of a chain of platforms are shown by default."""


@dataclass(frozen=True)
class Part:
    """Hours of a reason that were split on one basis.

    Attributes:
        basis: The basis of the split; empty where nothing was split.
        hours: The number of hours.
        charge_true_cost: The cost of their charges before the split.
        spend: The label's part of it.
    """

    basis: str
    hours: int
    charge_true_cost: Decimal
    spend: Decimal


@dataclass(frozen=True)
class Reason:
    """Charges of one kind, and how a part of them reached the label.

    Attributes:
        charge: Product, usage type, operation, class, pricing model and account of the charges.
        label: The label on the bill, and the rule that found it.
        way: The platforms that split them, in order, with pool and cost model; empty if none.
        usage_of: The label whose usage decided on each of these, in the same order.
        usage: That usage and the total, with the unit, on each of these, summed over all hours.
        basis: The basis of the split, the one of most hours first; empty where nothing was split.
        hours: The number of hours.
        charge_true_cost: The cost of the charges before the split.
        spend: The label's part of it.
        parts: The same by basis; they add up to it.
    """

    charge: str
    label: str
    way: str
    usage_of: str
    usage: str
    basis: str
    hours: int
    charge_true_cost: Decimal
    spend: Decimal
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Step:
    """One platform's split of the charges of an hour, in one chain of platforms to the label.

    `spend_before` x `usage` / `total_usage` is `spend_after`, to the ten digits of a proportion.

    Attributes:
        usage_hour: When, UTC: the start of the interval.
        interval_hours: How many hours the charges are for.
        way: All platforms in the chain.
        usage_of: The label whose usage decided on each of these.
        step: The position of this one in the chain, from 1.
        step_name: The platform, as in `way`.
        platform: The platform.
        sub_platform: Its sub-platform.
        capacity_pool: The capacity pool whose schedule splits them.
        cost_model: The cost model that splits them.
        usage_label: The label whose usage counts here.
        usage: That label's usage; None if unknown.
        total_usage: The usage of all labels and free capacity; None if unknown.
        unit: The unit, and whether requests or usage count.
        basis: The weakest basis in the chain.
        spend_before: The spend before this split; the charges' cost for the first.
        spend_after: The spend after this split; the label's spend after the last platform.
        is_last_step: Whether it is the last one.
    """

    usage_hour: datetime
    interval_hours: int
    way: str
    usage_of: str
    step: int
    step_name: str
    platform: str
    sub_platform: str
    capacity_pool: str
    cost_model: str
    usage_label: str
    usage: Decimal | None
    total_usage: Decimal | None
    unit: str | None
    basis: str
    spend_before: Decimal
    spend_after: Decimal
    is_last_step: bool


@dataclass(frozen=True)
class Explanation:
    """A label's spend on a day, or on several consecutive days.

    Attributes:
        label: The label.
        first_day: The first day of the usage, UTC.
        day: The last one.
        incomplete_days: Those of them that are still open, or lack a payer's usage.
        currency: The code of the currency of all amounts.
        spend: The spend in the mart `daily_spend`, to the last digit.
        reasons: Its parts, the largest first; they add up to it exactly.
        steps: How platforms split it, hour by hour; the last steps of all chains add up exactly to
            the reasons with a chain.
    """

    label: str
    first_day: date
    day: date
    incomplete_days: list[date]
    currency: str
    spend: Decimal
    reasons: list[Reason]
    steps: list[Step]

    @property
    def when(self) -> str:
        """The days, as text."""
        return str(self.day) if self.first_day == self.day else f"{self.first_day} to {self.day}"


def explain(warehouse: Path, label: str, day: date, days: int = 1) -> Explanation:
    """Breaks a label's spend down to the usage that split it.

    Args:
        warehouse: The DuckDB file that the models were built in, or a published one.
        label: The label, as in the mart `daily_spend`.
        day: The day of the usage, UTC.
        days: How many days, up to and with that one.

    Raises:
        InfraspendError: Nothing was built yet, the warehouse is in use, the bill does not have the
            label or these days, or the parts do not add up to the mart.
    """
    if not warehouse.exists():
        raise InfraspendError(f"{warehouse} is not there: load something and run infraspend build")
    first_day = day - timedelta(days=days - 1)
    asked = {"label": label, "first_day": first_day, "day": day}
    try:
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            _check_known(connection, label, first_day, day)
            ((spend,),) = connection.execute(_SPEND, asked).fetchall()
            steps = [Step(*row) for row in connection.execute(_STEPS, asked).fetchall()]
            rows = connection.execute(_REASONS, asked).fetchall()
            rules = {row[2]: _rule(connection, row[2]) for row in rows if row[2] is not None}
            span = {"first_day": first_day, "day": day}
            incomplete = [one for (one,) in connection.execute(_INCOMPLETE, span).fetchall()]
            currency = currency_of(connection)
    except duckdb.CatalogException as error:
        raise InfraspendError(
            f"{warehouse} is not built yet, or by another version: run infraspend build"
        ) from error
    except duckdb.IOException as error:
        raise InfraspendError(
            f"{warehouse} cannot be read while something writes to it: try again when it is done"
        ) from error
    usage = {way: _usage_in_words(of_way) for way, of_way in _by_way(steps).items()}
    reasons = _reasons(rows, rules, usage)
    found = Explanation(
        label, first_day, day, incomplete, currency, spend or Decimal(), reasons, steps
    )
    _check_adds_up(found)
    return found


def _check_known(
    connection: duckdb.DuckDBPyConnection, label: str, first_day: date, day: date
) -> None:
    """Refuses a label without spend, and days that are not on the bill."""
    ((label_from, label_until, first, last),) = connection.execute(
        _DAYS, {"label": label}
    ).fetchall()
    if label_from is None:
        labels = connection.execute("select distinct lyft_label from marts.daily_spend").fetchall()
        alike = get_close_matches(label, [name for (name,) in labels], n=3, cutoff=0.6)
        meant = f"; did you mean {' or '.join(alike)}?" if alike else ""
        raise InfraspendError(
            f"{label} spent nothing on {first} to {last}, which the bill is about: the mart"
            f" daily_spend lists all labels{meant}"
        )
    if day < first or first_day > last:
        raise InfraspendError(
            f"{day} is not on the bill, which is about {first} to {last}; {label} spent something"
            f" on {label_from} to {label_until}"
        )


def _check_adds_up(found: Explanation) -> None:
    """Refuses parts that do not add up to the whole."""
    total = sum((reason.spend for reason in found.reasons), Decimal())
    unsplit = sum((reason.spend for reason in found.reasons if not reason.way), Decimal())
    split = sum((step.spend_after for step in found.steps if step.is_last_step), Decimal())
    for parts in (total, unsplit + split):
        if parts != found.spend:
            raise InfraspendError(
                f"the parts of what {found.label} spent on {found.when} add up to {parts}, and the"
                f" mart daily_spend says {found.spend}: run infraspend build"
            )


@dataclass(frozen=True)
class ChangedReason:
    """Charges of one kind, before and after, and the label's part of them.

    Attributes:
        charge: Product, usage type, operation, class, pricing model and account of the charges.
        label: The label on the bill, and the rule that found it.
        platforms: The platforms that split them, in order; empty if none.
        usage_of: The label whose usage decided on each of these, in the same order.
        cost_before: Their cost before, before any split.
        cost_after: Their cost on the requested days.
        spend_before: The label's part of them before.
        spend_after: Its part on the requested days.
        change: The difference; negative for a decrease.
    """

    charge: str
    label: str
    platforms: str
    usage_of: str
    cost_before: Decimal
    cost_after: Decimal
    spend_before: Decimal
    spend_after: Decimal
    change: Decimal


@dataclass(frozen=True)
class Change:
    """The changes in a label's spend from one day or week to another.

    Attributes:
        before: Its spend before.
        after: Its spend on the requested days.
        reasons: The changes, the largest first; they add up to the total change exactly.
    """

    before: Explanation
    after: Explanation
    reasons: list[ChangedReason]

    @property
    def amount(self) -> Decimal:
        """The change in spend; negative for a decrease."""
        return self.after.spend - self.before.spend


def change_between(before: Explanation, after: Explanation) -> Change:
    """Compares two days or spans of a label by charge, label on the bill and platforms.

    Pools are not compared: a platform pooled by node has others every day.

    Args:
        before: The spend before.
        after: The spend on the requested days.
    """
    sums: dict[tuple[str, str, str, str], list[Decimal]] = defaultdict(lambda: [Decimal()] * 4)
    for column, explanation in enumerate((before, after)):
        platforms = {
            way: " > ".join(
                f"{of_platform[0].platform}: {of_platform[0].sub_platform}"
                for of_platform in _by_place(steps)
            )
            for way, steps in _by_way(explanation.steps).items()
        }
        for reason in explanation.reasons:
            through = platforms.get((reason.way, reason.usage_of), "")
            amounts = sums[reason.charge, reason.label, through, reason.usage_of]
            amounts[column] += reason.charge_true_cost
            amounts[column + 2] += reason.spend
    reasons = [
        ChangedReason(
            *alike,
            cost_before=amounts[0],
            cost_after=amounts[1],
            spend_before=amounts[2],
            spend_after=amounts[3],
            change=amounts[3] - amounts[2],
        )
        for alike, amounts in sums.items()
    ]
    return Change(before, after, sorted(reasons, key=lambda one: (-abs(one.change), one.charge)))


def print_explanation(
    explanation: Explanation, console: Console, rows: int, *, hours: bool = False
) -> None:
    """Prints a label's spend and why, a paragraph per chain of platforms, and the total.

    Args:
        explanation: The result of `explain`.
        console: Where to print.
        rows: How many paragraphs to show; the others are summed in one row.
        hours: Whether to show every hour's calculation.
    """
    table = _table(
        f"What {explanation.label} spent on {explanation.when}, in {explanation.currency}"
    )
    steps = _by_way(explanation.steps)
    paragraphs = _paragraphs(explanation.reasons)
    for reasons in paragraphs[:rows]:
        of_way = steps.get((reasons[0].way, reasons[0].usage_of), [])
        lines = _sentences(explanation.label, reasons, of_way, hours)
        table.add_row(_money(_sum(reasons)), escape("\n".join(lines)))
    if others := paragraphs[rows:]:
        spend = sum((_sum(reasons) for reasons in others), Decimal())
        table.add_row(_money(spend), f"{len(others)} others (--rows shows more)")
    table.add_section()
    table.add_row(_money(explanation.spend), f"in all, exactly {explanation.spend:f}")
    console.print(table)
    _print_incomplete(explanation.incomplete_days, console)


def print_change(change: Change, console: Console, rows: int) -> None:
    """Prints the changes from one day or week to another; the last row is the total.

    Args:
        change: The result of `change_between`.
        console: Where to print.
        rows: How many changes to show; the others are summed in one row.
    """
    before, after = change.before, change.after
    table = _table(
        f"What changed for {after.label}, in {after.currency}: {before.when} and then {after.when}"
    )
    for reason in change.reasons[:rows]:
        table.add_row(_change(reason.change), escape("\n".join(_comparison(reason))))
    if others := change.reasons[rows:]:
        rest = sum((reason.change for reason in others), Decimal())
        table.add_row(_change(rest), f"{len(others)} others (--rows shows more)")
    table.add_section()
    table.add_row(
        _change(change.amount),
        f"in all, exactly {change.amount:+f}\nfrom {before.spend:f} to {after.spend:f}",
    )
    console.print(table)
    _print_incomplete([*before.incomplete_days, *after.incomplete_days], console)


def as_json(found: Explanation | Change) -> str:
    """An explanation or a change for programs: amounts are texts, so that no digit is lost.

    Args:
        found: The result of `explain` or `change_between`.
    """
    if isinstance(found, Explanation):
        content = asdict(found)
    else:
        content = {
            "label": found.after.label,
            "before": _span(found.before),
            "after": _span(found.after),
            "currency": found.after.currency,
            "change": found.amount,
            "reasons": [asdict(reason) for reason in found.reasons],
        }
    return json.dumps(content, default=_plain, ensure_ascii=False, indent=2)


def as_csv(found: Explanation | Change, *, hours: bool = False) -> str:
    """An explanation or a change for spreadsheets, a line for each reason.

    A text that a spreadsheet would take for a formula begins with an apostrophe.

    Args:
        found: The result of `explain` or `change_between`.
        hours: Whether to write a line for every hour and platform of a chain, to recompute it,
            instead of the reasons with a chain.
    """
    head: tuple[str, ...]
    lines: Iterable[tuple[Any, ...]]
    if isinstance(found, Change):
        head = ("lyft_label", *(field.name for field in fields(ChangedReason)))
        lines = [(found.after.label, *astuple(reason)) for reason in found.reasons]
    elif hours:
        names = [field.name for field in fields(Step)]
        head = ("lyft_label", "charge", "label", *names, "spend")
        lines = [
            (
                *(found.label, "", ""),
                *astuple(step),
                step.spend_after if step.is_last_step else "",
            )
            for step in found.steps
        ]
        lines += [
            (found.label, reason.charge, reason.label, *[""] * len(names), reason.spend)
            for reason in found.reasons
            if not reason.way
        ]
    else:
        # A line has no room for parts.
        names = [field.name for field in fields(Reason) if field.name != "parts"]
        head = ("lyft_label", "first_day", "day", *names)
        lines = [
            (found.label, found.first_day, found.day, *(getattr(reason, name) for name in names))
            for reason in found.reasons
        ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    for line in lines:
        writer.writerow([_cell(value) for value in line])
    return text.getvalue()


def _cell(value: object) -> object:
    """A value for a cell: decimals without an exponent, and no text as a formula."""
    return f"{value:f}" if isinstance(value, Decimal) else spreadsheet_cell(value)


def _plain(value: object) -> str:
    """A value for JSON: decimals without an exponent."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _span(found: Explanation) -> dict[str, Any]:
    """The days of an explanation, and the spend on them."""
    return {name: getattr(found, name) for name in ("first_day", "day", "incomplete_days", "spend")}


def _table(title: str) -> Table:
    """An amount and its text, within 80 columns."""
    table = Table(title=escape(title), title_justify="left", show_header=False, box=None)
    table.add_column("amount", justify="right", no_wrap=True)
    table.add_column("why", overflow="fold")
    return table


def _print_incomplete(days: list[date], console: Console) -> None:
    """Prints which days are not comparable with whole ones."""
    if days:
        named = ", ".join(map(str, sorted(set(days))))
        console.print(f"Not complete yet, so not to be compared with whole days: {named}")


def _paragraphs(reasons: list[Reason]) -> list[list[Reason]]:
    """The reasons grouped by chain, and each reason without one, the largest spend first."""
    of_way: dict[tuple[str, str], list[Reason]] = defaultdict(list)
    alone = []
    for reason in reasons:
        if reason.way:
            of_way[reason.way, reason.usage_of].append(reason)
        else:
            alone.append([reason])
    return sorted([*of_way.values(), *alone], key=lambda one: -_sum(one))


def _sum(reasons: list[Reason]) -> Decimal:
    """The total of reasons."""
    return sum((reason.spend for reason in reasons), Decimal())


def _comparison(reason: ChangedReason) -> list[str]:
    """A change as text, one fact per line."""
    lines = [reason.charge, f"labelled {reason.label}"]
    if not reason.platforms:
        return [*lines, f"from {_money(reason.spend_before)} to {_money(reason.spend_after)}"]
    return [
        *lines,
        f"split by {reason.platforms} by the usage of {reason.usage_of}",
        f"from {_money(reason.spend_before)} of {_money(reason.cost_before)}"
        f" to {_money(reason.spend_after)} of {_money(reason.cost_after)}",
    ]


def _by_way(steps: list[Step]) -> dict[tuple[str, str], list[Step]]:
    """The steps of each chain, hour by hour."""
    found: dict[tuple[str, str], list[Step]] = defaultdict(list)
    for step in steps:
        found[step.way, step.usage_of].append(step)
    return found


def _by_place(steps: list[Step]) -> list[list[Step]]:
    """The steps of a chain, grouped by platform."""
    found: dict[int, list[Step]] = defaultdict(list)
    for step in steps:
        found[step.step].append(step)
    return [found[place] for place in sorted(found)]


def _sentences(label: str, reasons: list[Reason], steps: list[Step], hours: bool) -> list[str]:
    """A paragraph as text, one fact per line."""
    if not steps:
        return [line for reason in reasons for line in (reason.charge, f"labelled {reason.label}")]
    lines = []
    for of_platform in _by_place(steps):
        before = sum((step.spend_before for step in of_platform), Decimal())
        after = sum((step.spend_after for step in of_platform), Decimal())
        lines.append(f"{of_platform[0].step_name} split {_money(before)},")
        lines.append(f"  {_usage_of(of_platform)}: {_money(after)}")
        if of_platform[0].is_last_step and of_platform[0].usage_label != label:
            lines.append(f"  which goes back to {label}")
    bases = Counter[str]()
    for step in steps:
        if step.is_last_step:
            bases[step.basis] += step.interval_hours
    lines.append(", ".join(f"{_hours(count)} {basis}" for basis, count in bases.most_common()))
    sums = _sums_to_redo(steps)
    if hours or len(sums) <= _FEW_SUMS:
        lines += [f"  {one}" for one in sums]
    else:
        lines.append("  each split by itself: --hours shows the sums")
    for reason in reasons:
        lines.append(
            f"{_money(reason.spend)} of {_money(reason.charge_true_cost)}: {reason.charge}"
        )
        if len(reason.parts) > 1:
            lines += [
                f"  {_money(part.spend)} of {_money(part.charge_true_cost)} in"
                f" {_hours(part.hours)} {part.basis}"
                for part in reason.parts
            ]
        lines.append(f"  labelled {reason.label}")
    return lines


def _sums_to_redo(steps: list[Step]) -> list[str]:
    """The calculations of a chain, hour by hour; equal consecutive ones in one line."""
    hours: dict[tuple[datetime, int], list[Step]] = defaultdict(list)
    for step in steps:
        hours[step.usage_hour, step.interval_hours].append(step)
    days = {step.usage_hour.date() for step in steps}
    form = "%H:%M" if len(days) == 1 else "%m-%d %H:%M"
    lines = []
    for text, alike in groupby(hours, key=lambda hour: _sum_to_redo(hours[hour])):
        (first, length), *others = alike
        when = f"{first:{form}}"
        if length > 1:
            when += f" for {_hours(length)}"
        if others:
            when += f" to {others[-1][0]:{form}} each"
        lines.append(f"{when}  {text}")
    return lines


def _hours(count: int) -> str:
    """A number of hours, as text."""
    return f"{count} hour{'s' if count != 1 else ''}"


def _sum_to_redo(steps: list[Step]) -> str:
    """The calculation of an hour of a chain, for a calculator."""
    text = _digits(steps[0].spend_before)
    for step in steps:
        if step.usage is None or not step.total_usage:
            # All of it went to one label: the usage is unknown, or there was none.
            text += " x 1"
        else:
            text += f" x {_digits(step.usage)} / {_digits(step.total_usage or Decimal())}"
    return f"{text} = {_money(steps[-1].spend_after)}"


def _usage_in_words(steps: list[Step]) -> str:
    """The usage that decided in a chain, and the total, platform after platform."""
    return " > ".join(_usage_of(of_platform) for of_platform in _by_place(steps))


def _usage_of(steps: list[Step]) -> str:
    """The usage that decided on a platform, summed over all hours."""
    label, unit = steps[0].usage_label, steps[0].unit
    known = [step for step in steps if step.usage is not None]
    if not known:
        return "whose usage is not known"
    usage = sum((step.usage or Decimal() for step in known), Decimal())
    total = sum((step.total_usage or Decimal() for step in known), Decimal())
    return f"{label} {_short(usage)} of {_short(total)} {unit}"


def _digits(amount: Decimal) -> str:
    """An amount with all of its digits, at most ten decimal places, without zeros at its end."""
    text = f"{amount:.10f}"
    return text.rstrip("0").rstrip(".")


def _short(amount: Decimal) -> str:
    """An amount without the zeros at its end, at most four of its decimal places."""
    return f"{amount:,.4f}".rstrip("0").rstrip(".")


def _reasons(
    rows: Iterable[tuple[Any, ...]], rules: dict[int, str], usage: dict[tuple[str, str], str]
) -> list[Reason]:
    """The rows of the mart, those of one charge and chain in one; the largest spend first."""
    parts: dict[tuple[str, str, str, str], list[Part]] = defaultdict(list)
    for charge, source_label, label_rule, way, usage_of, *of_basis in rows:
        rule = "" if label_rule is None else f" (rule {label_rule}{rules[label_rule]})"
        parts[charge, f"{source_label}{rule}", way, usage_of].append(Part(*of_basis))
    reasons = [
        Reason(
            *(charge, label, way, usage_of),
            usage=usage.get((way, usage_of), ""),
            basis=", ".join(part.basis for part in by_hours),
            hours=sum(part.hours for part in by_hours),
            charge_true_cost=sum((part.charge_true_cost for part in by_hours), Decimal()),
            spend=sum((part.spend for part in by_hours), Decimal()),
            parts=tuple(by_hours),
        )
        for (charge, label, way, usage_of), unordered in parts.items()
        for by_hours in [sorted(unordered, key=lambda part: (-part.hours, part.basis))]
    ]
    return sorted(
        reasons, key=lambda one: (-one.spend, one.charge, one.label, one.way, one.usage_of)
    )


def _rule(connection: duckdb.DuckDBPyConnection, rule_order: int) -> str:
    """The conditions of a label rule; empty in a published file, which has no rules."""
    try:
        rows = connection.execute(_RULE, [rule_order]).fetchall()
    except duckdb.CatalogException:
        return ""
    return ": " + " and ".join(str(row[0]) for row in rows)


def _change(amount: Decimal) -> str:
    """A change, with a sign and six decimal places."""
    return f"{amount:+,.6f}"


def _money(amount: Decimal) -> str:
    """An amount with six decimal places, for display."""
    return f"{amount:,.6f}"
