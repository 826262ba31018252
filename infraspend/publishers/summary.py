"""A first summary for FinOps analysts, read from the published marts and printed."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from infraspend.publishers.currency import currency_of
from infraspend.publishers.marts import Published

_DAYS = 30
_SERVICES = 12
_PERIODS_SIDE_BY_SIDE = 3
_CENT = Decimal("0.01")
_BILLED_DIGITS = Decimal("0.0000000001")


def print_summary(published: Published, console: Console) -> None:
    """Prints recent spend by owner, unallocated capacity, and the bridge from invoice to true_cost.

    Args:
        published: The result of `publish`.
        console: Where to print.
    """
    with duckdb.connect(str(published.database), read_only=True) as marts:
        ((last,),) = _rows(marts, "select max(usage_date) from marts.daily_spend")
        if last is None:
            console.print("There is no spend yet.")
        else:
            since = last - timedelta(days=_DAYS - 1)
            console.print(
                f"\nFrom {since} to {last}, the last {_DAYS} days of the bill,"
                f" in {currency_of(marts)}:\n",
                highlight=False,
            )
            for table in (
                _spend_by_team(marts, since),
                _spend_by_service(marts, since),
                _unallocated_capacity(marts, since),
                *_invoice_bridge(marts),
            ):
                console.print(table)
                console.print()
    console.print(f"Published: {published.database}", soft_wrap=True, highlight=False)
    folders = sorted({path.parent for path in published.parquet})
    for folder in folders:
        console.print(f"           {folder}/, Parquet by month", soft_wrap=True, highlight=False)


def _spend_by_team(marts: duckdb.DuckDBPyConnection, since: date) -> Table:
    """Every org with its teams, the largest spend first."""
    rows = _rows(
        marts,
        "select org, team, sum(spend) from marts.daily_spend where usage_date >= ? group by all",
        [since],
    )
    orgs: dict[str | None, Decimal] = defaultdict(Decimal)
    for org, _, spend in rows:
        orgs[org] += spend
    total = sum(orgs.values(), Decimal())

    table = _table("Spend by org and team", "org", "team", amounts=("spend", "share"))
    for org, org_spend in sorted(orgs.items(), key=lambda item: -item[1]):
        table.add_row(_name(org), "", _money(org_spend), _share(org_spend, total), style="bold")
        teams = [(team, spend) for of, team, spend in rows if of == org]
        for team, spend in sorted(teams, key=lambda item: -item[1]):
            table.add_row("", _name(team), _money(spend), _share(spend, total))
    return _with_total(table, "", _money(total), _share(total, total))


def _spend_by_service(marts: duckdb.DuckDBPyConnection, since: date) -> Table:
    """The services that cost most, with the teams that own them now, the others in one row."""
    rows = _rows(
        marts,
        """
        select lyft_label, current_team, sum(spend) as spend
        from marts.daily_spend
        where usage_date >= ?
        group by lyft_label, current_team
        order by spend desc, lyft_label
        """,
        [since],
    )
    total = sum((spend for _, _, spend in rows), Decimal())

    table = _table("Spend by service", "service", "team", amounts=("spend", "share"))
    for label, team, spend in rows[:_SERVICES]:
        table.add_row(_name(label), _name(team), _money(spend), _share(spend, total))
    if others := rows[_SERVICES:]:
        spend = sum((spend for _, _, spend in others), Decimal())
        table.add_row(f"{len(others)} others", "", _money(spend), _share(spend, total))
    return _with_total(table, "", _money(total), _share(total, total))


def _unallocated_capacity(marts: duckdb.DuckDBPyConnection, since: date) -> Table:
    """The cost of each cluster, or other part of a platform, and its unallocated capacity.

    A dollar that several platforms split counts for each of them, and once in the total.
    """
    rows = _rows(
        marts,
        """
        select
            platform,
            sub_platform,
            sum(spend) as spend,
            sum(first_spend) as first_spend,
            sum(free_spend) as free_spend
        from marts.unallocated_capacity
        where usage_date >= ?
        group by platform, sub_platform
        order by free_spend desc, platform, sub_platform
        """,
        [since],
    )
    total = sum((first for *_, first, _ in rows), Decimal())
    free_total = sum((free for *_, free in rows), Decimal())

    table = _table(
        "Unallocated capacity",
        "platform",
        "cluster",
        amounts=("spend", "unallocated", "share"),
    )
    for platform, sub_platform, spend, _, free in rows:
        table.add_row(
            _name(platform), _name(sub_platform), _money(spend), _money(free), _share(free, spend)
        )
    return _with_total(table, "", _money(total), _money(free_total), _share(free_total, total))


def _invoice_bridge(marts: duckdb.DuckDBPyConnection) -> Iterator[Table]:
    """Each payer's steps from invoice to true_cost, the last billing periods side by side."""
    rows = _rows(
        marts,
        """
        select payer_account_id, billing_period, bridge_item, amount
        from marts.invoice_bridge
        order by payer_account_id, billing_period, item_order
        """,
    )
    amounts = {(payer, period, item): amount for payer, period, item, amount in rows}
    items = list(dict.fromkeys(item for *_, item, _ in rows))
    # The proof comes last: the unexplained amount.
    items.sort(key=lambda item: item == "unexplained")
    for payer in dict.fromkeys(payer for payer, *_ in rows):
        periods = list(dict.fromkeys(period for of, period, *_ in rows if of == payer))
        shown = periods[-_PERIODS_SIDE_BY_SIDE:]
        table = _table(
            "From the invoice to true_cost", f"payer {payer}", amounts=tuple(map(str, shown))
        )
        for item in items:
            steps = [amounts.get((payer, period, item), Decimal()) for period in shown]
            # Of the steps, only those that there were; the proof always.
            if any(steps) or item == "unexplained":
                table.add_row(item, *map(_exact, steps))
        yield table


def _rows(
    marts: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()
) -> list[tuple[Any, ...]]:
    """All rows of a small answer."""
    return marts.execute(query, parameters).fetchall()


def _table(title: str, *names: str, amounts: Sequence[str]) -> Table:
    """An empty table: names to the left, amounts to the right."""
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for name in names:
        table.add_column(name, no_wrap=True)
    for amount in amounts:
        table.add_column(amount, justify="right", no_wrap=True)
    return table


def _with_total(table: Table, *cells: str) -> Table:
    """The table with its last row."""
    table.add_row("total", *cells, style="bold")
    return table


def _name(value: str | None) -> str:
    """A name for display; a dash if there is none."""
    return value or "-"


def _money(amount: Decimal) -> str:
    """An amount for display: to the cent."""
    return f"{amount.quantize(_CENT):,f}"


def _share(part: Decimal, whole: Decimal) -> str:
    """A part as a percentage of the whole."""
    return f"{part / whole:.1%}" if whole else "-"


def _exact(amount: Decimal) -> str:
    """An amount as billed: ten digits, and more only where there are more."""
    short = amount.quantize(_BILLED_DIGITS)
    return f"{short if short == amount else amount:,f}"
