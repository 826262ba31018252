"""Why is this so much: the charges, rules, schedules and usage that a day's spend is made of."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loaders.errors import InfraspendError

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
    with hours as (
        select
            usage_hour, interval_hours, product, usage_type, charge_class, source_label, label_rule,
            first_platform, first_sub_platform, first_capacity_pool, first_cost_model, via,
            last_platform, last_sub_platform, last_capacity_pool, last_cost_model, basis,
            max(held) as held,
            max(held_by_all) as held_by_all,
            sum(charge_true_cost) as charge_true_cost,
            sum(spend) as spend
        from intermediate.int_spend_explained
        where lyft_label = $label and usage_hour >= $start and usage_hour < $stop
        group by all
    )
    select
        product, usage_type, charge_class, source_label, label_rule,
        first_platform, first_sub_platform, first_capacity_pool, first_cost_model, via,
        last_platform, last_sub_platform, last_capacity_pool, last_cost_model, basis,
        sum(held) as held,
        sum(held_by_all) as held_by_all,
        sum(interval_hours) as hours,
        sum(charge_true_cost) as charge_true_cost,
        sum(spend) as spend
    from hours
    group by all
    order by spend desc, product, usage_type, charge_class, source_label, via, basis
"""
_SPEND = """
    select sum(spend)
    from marts.enriched_spend
    where lyft_label = $label and usage_hour >= $start and usage_hour < $stop
"""
_RULE = """
    select
        match_on || coalesce(' ' || match_key, '') || ' ' || match_type
        || coalesce(' ' || match_value, '')
    from staging.stg_seeds__label_rules
    where rule_order = ?
    order by all
"""
_DAYS = "select min(usage_hour)::date, max(usage_hour)::date from marts.enriched_spend"


@dataclass(frozen=True)
class Reason:
    """Charges that are alike, and how a part of them came to the label.

    Attributes:
        charge: Product, usage type and class of the charges.
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
        spend: What the mart `enriched_spend` says, in US dollars, to the last digit.
        reasons: What it is made of, the dearest first; they add up to it exactly.
    """

    label: str
    day: date
    spend: Decimal
    reasons: list[Reason]


def explain(warehouse: Path, label: str, day: date) -> Explanation:
    """Takes a label's spend on a day apart, down to the usage that weighed it.

    Args:
        warehouse: The DuckDB file that the models were built in.
        label: The label, as in the mart `enriched_spend`.
        day: The day of the usage, UTC.

    Raises:
        InfraspendError: Nothing was built yet, the warehouse is in use, the label spent nothing on
            that day, or the parts do not add up to what the mart says.
    """
    if not warehouse.exists():
        raise InfraspendError(f"{warehouse} is not there: load something and run infraspend build")
    start = datetime.combine(day, time())
    asked = {"label": label, "start": start, "stop": start + timedelta(days=1)}
    try:
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            ((spend,),) = connection.execute(_SPEND, asked).fetchall()
            if spend is None:
                ((first, last),) = connection.execute(_DAYS).fetchall()
                raise InfraspendError(
                    f"{label} spent nothing on {day}: the bill is about {first} to {last}, and the"
                    " mart daily_spend lists the labels of a day"
                )
            rows = connection.execute(_REASONS, asked).fetchall()
            rules = {row[4]: _rule(connection, row[4]) for row in rows if row[4] is not None}
    except duckdb.CatalogException as error:
        raise InfraspendError(f"{warehouse} is not built yet: run infraspend build") from error
    except duckdb.IOException as error:
        raise InfraspendError(
            f"{warehouse} cannot be read while something writes to it: try again when it is done"
        ) from error
    reasons = [_reason(row, rules) for row in rows]
    total = sum((reason.spend for reason in reasons), Decimal())
    if total != spend:
        raise InfraspendError(
            f"the parts of what {label} spent on {day} add up to {total}, and the mart"
            f" enriched_spend says {spend}: run infraspend build"
        )
    return Explanation(label, day, spend, reasons)


def print_explanation(explanation: Explanation, console: Console, rows: int) -> None:
    """Prints what a label spent and why, as a table whose last row adds up.

    Args:
        explanation: What `explain` found.
        console: Where to print.
        rows: How many rows to show; the others are summed up in one.
    """
    table = Table(
        title=f"What {escape(explanation.label)} spent on {explanation.day}, in US dollars"
    )
    for name in ("spend", "of"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("charge", "label on the bill", "through", "held", "hours", "basis"):
        table.add_column(name, overflow="fold")
    for reason in explanation.reasons[:rows]:
        table.add_row(
            _money(reason.spend),
            _money(reason.charge_true_cost),
            *map(
                escape,
                (
                    reason.charge,
                    reason.label,
                    reason.through,
                    reason.usage,
                    str(reason.hours),
                    reason.basis,
                ),
            ),
        )
    if others := explanation.reasons[rows:]:
        spend = sum((reason.spend for reason in others), Decimal())
        table.add_row(_money(spend), "", f"{len(others)} others")
    table.add_section()
    table.add_row(f"{explanation.spend:f}", "", "in all, to the last digit")
    console.print(table)


def _reason(row: tuple[Any, ...], rules: dict[int, str]) -> Reason:
    """One row of the question, in words."""
    product, usage_type, charge_class, source_label, label_rule = row[:5]
    first = row[5:9]
    via = row[9]
    last = row[10:14]
    basis, held, held_by_all, hours, charge_true_cost, spend = row[14:]
    steps = []
    if first[0] is not None:
        steps.append(_step(*first))
        if via is not None:
            steps += [step for step in via.split(" > ") if step]
            steps.append(_step(*last))
    rule = "" if label_rule is None else f" (rule {label_rule}: {rules[label_rule]})"
    return Reason(
        charge=" ".join(part for part in (product, usage_type, charge_class) if part),
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
    """What a label rule looks for."""
    rows = connection.execute(_RULE, [rule_order]).fetchall()
    return " and ".join(str(row[0]) for row in rows)


def _money(amount: Decimal) -> str:
    """Dollars with six decimal places, to be read."""
    return f"{amount:,.6f}"
