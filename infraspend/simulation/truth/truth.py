"""Writes down what is true of the simulated company, for the models to be compared with."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from infraspend.simulation.clock import HOURS_OF_A_DAY
from infraspend.simulation.files import ParquetFile, Row, table
from infraspend.simulation.plan.charges import Charge
from infraspend.simulation.plan.clusters import ClusterHour
from infraspend.simulation.plan.pushed import Usage
from infraspend.simulation.plan.ready_made import Published
from infraspend.simulation.truth.costs import (
    Costs,
    UnusedReservations,
    costs_of,
    net_amortized,
)
from infraspend.simulation.truth.levels import Levels
from infraspend.simulation.truth.schedules import Pushed, Schedules, schedules_of
from infraspend.simulation.units import as_text

_TEXT = pa.string()
_TIME = pa.timestamp("us")
_COST = pa.decimal128(38, 10)
_SPEND = pa.decimal128(38, 20)

TRUE_COST = pa.schema(
    [
        ("usage_hour", _TIME),
        ("billing_period", _TEXT),
        ("payer_account_id", _TEXT),
        ("account_id", _TEXT),
        ("lyft_label", _TEXT),
        ("product", _TEXT),
        ("usage_type", _TEXT),
        ("charge_class", _TEXT),
        ("is_period_charge", pa.bool_()),
        ("net_amortized_cost", _COST),
        ("true_cost_none", _COST),
        ("true_cost_family", _COST),
    ]
)
SCHEDULE = pa.schema(
    [
        ("usage_hour", _TIME),
        ("interval_hours", pa.int32()),
        ("platform", _TEXT),
        ("sub_platform", _TEXT),
        ("capacity_pool", _TEXT),
        ("cost_model", _TEXT),
        ("lyft_label", _TEXT),
        ("proportion", pa.decimal128(11, 10)),
        ("basis", _TEXT),
    ]
)
ENRICHED_SPEND = pa.schema(
    [
        ("usage_hour", _TIME),
        ("source_label", _TEXT),
        ("lyft_label", _TEXT),
        ("platform", _TEXT),
        ("sub_platform", _TEXT),
        ("capacity_pool", _TEXT),
        ("cost_model", _TEXT),
        ("via", _TEXT),
        ("basis", _TEXT),
        ("product", _TEXT),
        ("charge_class", _TEXT),
        ("spend_none", _SPEND),
        ("spend_family", _SPEND),
    ]
)

UNALLOCATED_CAPACITY = pa.schema(
    [
        ("usage_date", pa.date32()),
        ("platform", _TEXT),
        ("sub_platform", _TEXT),
        ("capacity_pool", _TEXT),
        ("spend_none", _SPEND),
        ("free_spend_none", _SPEND),
        ("spend_family", _SPEND),
        ("free_spend_family", _SPEND),
    ]
)

_ROWS_OF_A_ROW_GROUP = 20_000
_UNSPLIT = (None, None, None, None)

#: The named difference between the invoice and the true cost of a line of this type.
_BRIDGE_ITEMS = {
    "DiscountedUsage": "ri_used",
    "SavingsPlanCoveredUsage": "sp_used",
    "SavingsPlanNegation": "sp_negation",
    "Fee": "ri_upfront_fee",
    "SavingsPlanUpfrontFee": "sp_upfront_fee",
    "RIFee": "ri_recurring_fee",
    "SavingsPlanRecurringFee": "sp_recurring_fee",
    "Refund": "prepayment_refund",
}


class Truth:
    """Collects the truth of hour after hour and month after month, and writes it as it goes.

    Args:
        folder: Where it is written.
        pushed: What platform owners push for an hour, also for one before or after the simulation.
    """

    def __init__(self, folder: Path, pushed: Pushed) -> None:
        self._folder = folder
        self._pushed = pushed
        self._unused = UnusedReservations()
        self._seen: dict[str, ClusterHour] = {}
        self._days: list[Row] = []
        self._true_cost = _Rows(folder / "true_cost.parquet", TRUE_COST)
        self._schedule = _Rows(folder / "schedule.parquet", SCHEDULE)
        self._enriched = _Rows(folder / "enriched_spend.parquet", ENRICHED_SPEND)
        self._passed: defaultdict[tuple[date, str, str, str], list[int]] = defaultdict(
            lambda: [0, 0, 0, 0]
        )
        self._totals: defaultdict[tuple[str, str], defaultdict[str, int]] = defaultdict(
            lambda: defaultdict(int)
        )

    def add_hour(
        self,
        hour: datetime,
        charges: Sequence[Charge],
        clusters: Iterable[ClusterHour],
        published: Iterable[Published],
    ) -> None:
        """Adds an hour: its charges, what ran in the clusters, what the warehouse's owner says."""
        self._seen |= {one.cluster.name: one for one in clusters if one.is_tracked}
        schedules = schedules_of(hour, self._seen.values(), published, self._pushed)
        for row in _rows_of(hour, schedules):
            self._schedule.add(row)
        self._add(charges, schedules)

    def add_day(
        self,
        day: datetime,
        charges: Sequence[Charge],
        clusters: Iterable[ClusterHour],
        published: Iterable[Published],
        usage: Sequence[Usage],
    ) -> None:
        """Adds a day of the history: its charges, and what is the same in each of its hours."""
        schedules = schedules_of(day, clusters, published, lambda _: usage)
        self._days.extend(_rows_of(day, schedules))
        self._add(charges, schedules)

    def _add(self, charges: Sequence[Charge], schedules: Schedules) -> None:
        self._unused.note(charges)
        self._total(charges)
        self._add_costs(costs_of(charges), Levels(schedules))

    def add_month(self, charges: Sequence[Charge]) -> None:
        """Adds the charges of a billing period as a whole, after all of its hours."""
        self._total(charges)
        self._schedule.add_days(self._days)
        self._days = []
        # No charge of a whole period is a platform's.
        levels = Levels({})
        self._add_costs(costs_of(charges), levels)
        self._add_costs(self._unused.costs_of(charges), levels)

    def close(self) -> None:
        """Writes what is left, and the totals."""
        unallocated = _Rows(self._folder / "unallocated_capacity.parquet", UNALLOCATED_CAPACITY)
        for where, passed in sorted(self._passed.items()):
            unallocated.add((*where, *passed))
        for rows in (self._true_cost, self._schedule, self._enriched, unallocated):
            rows.close()
        totals: list[dict[str, Any]] = []
        for (period, payer), sums in sorted(self._totals.items()):
            line_count = sums.pop("line_count")
            amounts = {name: as_text(amount) for name, amount in sorted(sums.items())}
            totals.append(
                {
                    "billing_period": period,
                    "payer_account_id": payer,
                    "line_count": line_count,
                    **amounts,
                }
            )
        path = self._folder / "totals.json"
        path.write_text(json.dumps(totals, indent=2), encoding="utf-8")

    def _add_costs(self, costs: Costs, levels: Levels) -> None:
        """Adds costs at the grain of the truth, and splits those of the platforms."""
        coarse: defaultdict[Row, list[int]] = defaultdict(lambda: [0, 0, 0])
        spend: defaultdict[Row, list[int]] = defaultdict(lambda: [0, 0])
        for key, cost in costs.items():
            sums = coarse[
                key.usage_hour,
                key.billing_period,
                key.payer_account_id,
                key.account_id,
                key.lyft_label,
                key.product,
                key.usage_type or None,
                key.charge_class,
                key.is_period_charge,
            ]
            sums[0] += cost.net_amortized
            sums[1] += cost.none
            sums[2] += cost.family
            splitting = levels.split(key.lyft_label, key.product, key.usage_type, key.instance_type)
            for part in splitting.parts:
                last = part.steps[-1] if part.steps else None
                where = (*last.sub_platform.place, last.pool, last.cost_model) if last else _UNSPLIT
                parts = spend[
                    key.usage_hour,
                    key.lyft_label,
                    part.label,
                    *where,
                    part.via,
                    part.basis,
                    key.product,
                    key.charge_class,
                ]
                parts[0] += cost.none * part.units
                parts[1] += cost.family * part.units
            for step, units, free_units in splitting.throughputs:
                passed = self._passed[key.usage_hour.date(), *step.sub_platform.place, step.pool]
                passed[0] += cost.none * units
                passed[1] += cost.none * free_units
                passed[2] += cost.family * units
                passed[3] += cost.family * free_units
        for row, amounts in coarse.items():
            self._true_cost.add((*row, *amounts))
        for row, amounts in spend.items():
            self._enriched.add((*row, *amounts))

    def _total(self, charges: Iterable[Charge]) -> None:
        for charge in charges:
            columns: dict[str, Any] = charge.columns
            kind = columns["line_item_line_item_type"]
            period = f"{columns['bill_billing_period_start_date']:%Y-%m}"
            sums = self._totals[period, columns["bill_payer_account_id"]]
            net = columns["line_item_net_unblended_cost"]
            true_cost = net_amortized(columns)
            sums["line_count"] += 1
            sums["unblended_cost"] += columns["line_item_unblended_cost"]
            sums["net_unblended_cost"] += net
            sums["invoice"] += net
            sums["true_cost"] += true_cost
            if kind in _BRIDGE_ITEMS:
                sums[_BRIDGE_ITEMS[kind]] += true_cost - net


def _rows_of(hour: datetime, schedules: Schedules) -> Iterator[Row]:
    for key, schedule in schedules.items():
        where = (*key.sub_platform.place, key.pool, key.cost_model)
        for label, proportion in schedule.shares.items():
            yield hour, 1, *where, label, proportion, schedule.basis


class _Rows:
    """The rows of one table of the truth on their way to its file."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = ParquetFile(path, schema)
        self._waiting: list[Row] = []

    def add(self, row: Row) -> None:
        self._waiting.append(row)
        if len(self._waiting) == _ROWS_OF_A_ROW_GROUP:
            self._file.write(self._waiting)
            self._waiting = []

    def add_days(self, rows: Sequence[Row]) -> None:
        """Adds the schedules of days: those of each of their hours, and what each comes to."""
        if rows:
            days = table(rows, SCHEDULE)
            self._file.write_each_hour(days, HOURS_OF_A_DAY)
            hours = pa.array([HOURS_OF_A_DAY] * len(rows), pa.int32())
            place = SCHEDULE.get_field_index("interval_hours")
            self._file.write_each_hour(days.set_column(place, SCHEDULE[place], hours), 1)

    def close(self) -> None:
        self._file.write(self._waiting)
        self._file.close()
