"""Why is this so much: the charges, rules, schedules and usage that a day's spend is made of."""

import csv
import io
import json
from dataclasses import asdict, astuple, dataclass, fields
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loaders.errors import InfraspendError
from publishers.exporting import spreadsheet_cell

_UNITS = {
    "cpu": "core-hours",
    "memory": "GiB-hours",
    "gpu": "GPU-hours",
    "storage": "GiB-hours",
    "network": "GiB",
    "weighted": "weighted hours",
    "max": "of the largest shares",
    "even": "who were there",
}
_REASONS = """
    select
        product, usage_type, operation, charge_class, pricing_model, account_id,
        source_label, label_rule,
        first_platform, first_sub_platform, first_capacity_pool, first_cost_model, via,
        last_platform, last_sub_platform, last_capacity_pool, last_cost_model, basis,
        held, held_by_all, hours, charge_true_cost, spend
    from marts.explained_spend
    where lyft_label = $label and usage_date = $day
    order by all
"""
_SPEND = """
    select sum(spend)
    from marts.daily_spend
    where lyft_label = $label and usage_date = $day
"""
_RULE = """
    select
        match_on || coalesce(' ' || match_key, '') || ' ' || match_type
        || coalesce(' ' || match_value, '')
    from staging.stg_seeds__label_rules
    where rule_order = ?
    order by all
"""
_DAYS = "select min(usage_date), max(usage_date) from marts.daily_spend"


@dataclass(frozen=True)
class Reason:
    """Charges that are alike, and how a part of them came to the label.

    Attributes:
        charge: Product, usage type, operation, class, pricing model and account of the charges.
        label: The label on the bill, and the rule that found it.
        through: The platforms that split them, in order, with pool and cost model; empty if none.
        usage: What the label held of the last of them, of what, in its unit; empty if not known.
        basis: How well that is known; empty where nothing was split.
        hours: How many hours it is about.
        charge_true_cost: What the charges cost before the split, in US dollars.
        spend: The label's part of it, in US dollars.
    """

    charge: str
    label: str
    through: str
    usage: str
    basis: str
    hours: int
    charge_true_cost: Decimal
    spend: Decimal


@dataclass(frozen=True)
class Explanation:
    """All that a label spent on a day.

    Attributes:
        label: The label.
        day: The day of the usage, UTC.
        spend: What the mart `daily_spend` says, in US dollars, to the last digit.
        reasons: What it is made of, the largest first; they add up to it exactly.
    """

    label: str
    day: date
    spend: Decimal
    reasons: list[Reason]


def explain(warehouse: Path, label: str, day: date) -> Explanation:
    """Takes a label's spend on a day apart, down to the usage that weighed it.

    Args:
        warehouse: The DuckDB file that the models were built in, or a published one.
        label: The label, as in the mart `daily_spend`.
        day: The day of the usage, UTC.

    Raises:
        InfraspendError: Nothing was built yet, the warehouse is in use, the label spent nothing on
            that day, or the parts do not add up to what the mart says.
    """
    if not warehouse.exists():
        raise InfraspendError(f"{warehouse} is not there: load something and run infraspend build")
    asked = {"label": label, "day": day}
    try:
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            ((spend,),) = connection.execute(_SPEND, asked).fetchall()
            if spend is None:
                ((first, last),) = connection.execute(_DAYS).fetchall()
                raise InfraspendError(
                    f"{label} spent nothing on {day}: the bill is about {first} to {last}, and the"
                    f" mart daily_spend lists the labels of a day{_similar(connection, label)}"
                )
            rows = connection.execute(_REASONS, asked).fetchall()
            orders = {row[7] for row in rows if row[7] is not None}
            rules = {order: _rule(connection, order) for order in orders}
    except duckdb.CatalogException as error:
        raise InfraspendError(f"{warehouse} is not built yet: run infraspend build") from error
    except duckdb.IOException as error:
        raise InfraspendError(
            f"{warehouse} cannot be read while something writes to it: try again when it is done"
        ) from error
    reasons = sorted((_reason(row, rules) for row in rows), key=lambda one: -one.spend)
    total = sum((reason.spend for reason in reasons), Decimal())
    if total != spend:
        raise InfraspendError(
            f"the parts of what {label} spent on {day} add up to {total}, and the mart"
            f" daily_spend says {spend}: run infraspend build"
        )
    return Explanation(label, day, spend, reasons)


@dataclass(frozen=True)
class Change:
    """What changed in a label's spend from one day to another.

    Attributes:
        before: All that it spent on the day before.
        after: All that it spent on the day that is asked about.
        reasons: Charges that are alike, with their spend on both days, the largest change first;
            the changes add up to the change of the whole exactly.
    """

    before: Explanation
    after: Explanation
    reasons: list[tuple[str, Decimal, Decimal]]

    @property
    def amount(self) -> Decimal:
        """How much more was spent, in US dollars; negative where less was."""
        return self.after.spend - self.before.spend


def change_between(before: Explanation, after: Explanation) -> Change:
    """Compares two days of a label by charge, label on the bill and way through platforms.

    Args:
        before: What it spent on the day before.
        after: What it spent on the day that is asked about.
    """
    spend: dict[str, list[Decimal]] = {}
    for column, explanation in enumerate((before, after)):
        for reason in explanation.reasons:
            words = f"{reason.charge}, labelled {reason.label}"
            if reason.through:
                words += f", split by {reason.through}"
            spend.setdefault(words, [Decimal(), Decimal()])[column] += reason.spend
    changes = [(words, first, second) for words, (first, second) in spend.items()]
    return Change(before, after, sorted(changes, key=lambda row: (-abs(row[2] - row[1]), row[0])))


def print_explanation(explanation: Explanation, console: Console, rows: int) -> None:
    """Prints what a label spent and why, a paragraph for each reason; the last row adds up.

    Args:
        explanation: What `explain` found.
        console: Where to print.
        rows: How many reasons to show; the others are summed up in one row.
    """
    table = _table(f"What {explanation.label} spent on {explanation.day}, in US dollars")
    for reason in explanation.reasons[:rows]:
        table.add_row(_money(reason.spend), escape("\n".join(_sentences(reason))))
    if others := explanation.reasons[rows:]:
        spend = sum((reason.spend for reason in others), Decimal())
        table.add_row(_money(spend), f"{len(others)} others (--rows shows more)")
    table.add_section()
    table.add_row(f"{explanation.spend:f}", "in all, to the last digit")
    console.print(table)


def print_change(change: Change, console: Console, rows: int) -> None:
    """Prints what changed from one day to another, and a last row that adds up.

    Args:
        change: What `change_between` found.
        console: Where to print.
        rows: How many changes to show; the others are summed up in one row.
    """
    before, after = change.before, change.after
    table = _table(
        f"What changed for {after.label} from {before.day} to {after.day}, in US dollars"
    )
    for words, first, second in change.reasons[:rows]:
        table.add_row(
            f"{second - first:+,.6f}", escape(f"{words}\nfrom {_money(first)} to {_money(second)}")
        )
    if others := change.reasons[rows:]:
        rest = sum((second - first for _, first, second in others), Decimal())
        table.add_row(f"{rest:+,.6f}", f"{len(others)} others (--rows shows more)")
    table.add_section()
    table.add_row(
        f"{change.amount:+f}",
        f"in all: from {before.spend:f} to {after.spend:f}, to the last digit",
    )
    console.print(table)


def as_json(explanation: Explanation) -> str:
    """An explanation for programs: amounts are texts, so that no digit is lost.

    Args:
        explanation: What `explain` found.
    """
    return json.dumps(asdict(explanation), default=str, ensure_ascii=False, indent=2)


def as_csv(explanation: Explanation) -> str:
    """An explanation for spreadsheets, a line for each reason.

    A text that a spreadsheet would take for a formula begins with an apostrophe.

    Args:
        explanation: What `explain` found.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("lyft_label", "day", *(field.name for field in fields(Reason))))
    for reason in explanation.reasons:
        row = (explanation.label, explanation.day, *astuple(reason))
        writer.writerow([spreadsheet_cell(value) for value in row])
    return text.getvalue()


def _table(title: str) -> Table:
    """An amount and what it is for, within 80 columns."""
    table = Table(title=escape(title), title_justify="left", show_header=False, box=None)
    table.add_column("amount", justify="right", no_wrap=True)
    table.add_column("why", overflow="fold")
    return table


def _sentences(reason: Reason) -> list[str]:
    """What a reason says, a line for each thought."""
    lines = [reason.charge, f"of {_money(reason.charge_true_cost)} labelled {reason.label}"]
    if reason.through:
        lines.append(f"split by {reason.through}")
        hours = f"{reason.hours} hour{'s' if reason.hours != 1 else ''}"
        usage = f"held {reason.usage} in " if reason.usage else "in "
        lines.append(f"{usage}{hours}, {reason.basis}")
    return lines


def _similar(connection: duckdb.DuckDBPyConnection, label: str) -> str:
    """Asks whether a label that spent something was meant; empty if none is alike."""
    labels = connection.execute("select distinct lyft_label from marts.lyft_labels").fetchall()
    found = get_close_matches(label, [name for (name,) in labels], n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(found)}?" if found else ""


def _reason(row: tuple[Any, ...], rules: dict[int, str]) -> Reason:
    """One row of the mart, in words."""
    product, usage_type, operation, charge_class, pricing_model, account = row[:6]
    source_label, label_rule = row[6:8]
    first = row[8:12]
    via = row[12]
    last = row[13:17]
    basis, held, held_by_all, hours, charge_true_cost, spend = row[17:]
    steps = []
    if first[0] is not None:
        steps.append(_step(*first))
        if via is not None:
            steps += [step for step in via.split(" > ") if step]
            steps.append(_step(*last))
    kind = (product, usage_type, operation, charge_class, pricing_model, f"account {account}")
    rule = "" if label_rule is None else f" (rule {label_rule}{rules[label_rule]})"
    return Reason(
        charge=" ".join(part for part in kind if part and part != "none"),
        label=f"{source_label}{rule}",
        through=" > ".join(steps),
        usage=_usage(held, held_by_all, last[3]),
        basis=basis or ("" if first[0] is None else "unattributed"),
        hours=hours,
        charge_true_cost=charge_true_cost,
        spend=spend,
    )


def _step(platform: str, sub_platform: str, capacity_pool: str, cost_model: str) -> str:
    """A platform on the way, as the column `via` writes it."""
    return f"{platform}: {sub_platform} ({capacity_pool}, {cost_model})"


def _usage(held: Decimal | None, held_by_all: Decimal | None, cost_model: str | None) -> str:
    """What was held of what."""
    if held is None or held_by_all is None:
        return ""
    unit = _UNITS.get(cost_model or "", "units")
    return f"{_short(held)} of {_short(held_by_all)} {unit}"


def _short(amount: Decimal) -> str:
    """An amount without the zeros at its end, at most four of its decimal places."""
    return f"{amount:,.4f}".rstrip("0").rstrip(".")


def _rule(connection: duckdb.DuckDBPyConnection, rule_order: int) -> str:
    """What a label rule looks for; nothing in a published file, which has no rules."""
    try:
        rows = connection.execute(_RULE, [rule_order]).fetchall()
    except duckdb.CatalogException:
        return ""
    return ": " + " and ".join(str(row[0]) for row in rows)


def _money(amount: Decimal) -> str:
    """Dollars with six decimal places, to be read."""
    return f"{amount:,.6f}"
