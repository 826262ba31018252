"""What every metric is, written a second time, as plain SQL on the marts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plain:
    """A metric in plain SQL.

    Attributes:
        mart: Where it comes from.
        value: Its value.
        month: The first day of the month that a row is of.
        by: A dimension to ask it by.
    """

    mart: str
    value: str
    month: str
    by: str


def _per_day(mart: str, by: str, **values: str) -> dict[str, Plain]:
    month = "date_trunc('month', usage_date)::date"
    return {name: Plain(mart, value, month, by) for name, value in values.items()}


def _per_hour(mart: str, by: str, **values: str) -> dict[str, Plain]:
    month = "date_trunc('month', usage_hour)::date"
    return {name: Plain(mart, value, month, by) for name, value in values.items()}


_USED = "charge_class = 'usage'"
_COMMITTED = "pricing_model in ('reserved', 'savings_plan')"
_INSTANCES = f"{_USED} and instance_type is not null"
_COVERED = "coverage is not null"
_PAST = "unused_cost is not null"
_BOTH = "cpu_request_core_hours is not null and cpu_usage_core_hours is not null"


def _sum(column: str, condition: str) -> str:
    return f"sum({column}) filter (where {condition})"


def _zero(column: str, condition: str) -> str:
    """0 where rows are there and none of them counts; NULL without rows."""
    return f"if(count(*) > 0, coalesce({_sum(column, condition)}, 0), null)"


def _ratio(above: str, below: str) -> str:
    return f"cast({above} as double) / cast(nullif({below}, 0) as double)"


PLAIN = {
    **_per_day(
        "daily_spend",
        "lyft_label",
        spend="sum(spend)",
        invoiced_cost="sum(invoiced_cost)",
        net_amortized_cost="sum(net_amortized_cost)",
        unlabeled_spend=_zero("spend", "lyft_label = 'unlabeled'"),
        unlabeled_share=_ratio(_zero("spend", "lyft_label = 'unlabeled'"), "sum(spend)"),
        unowned_spend=_zero("spend", "current_team = 'unassigned'"),
        unowned_share=_ratio(_zero("spend", "current_team = 'unassigned'"), "sum(spend)"),
    ),
    **_per_hour(
        "true_cost",
        "usage_type",
        true_cost="sum(true_cost)",
        list_cost="sum(list_cost)",
        usage_cost=_sum("true_cost", f"{_USED} and usage_amount is not null"),
        usage_amount=_sum("usage_amount", _USED),
        unit_cost=_ratio(
            _sum("true_cost", f"{_USED} and usage_amount is not null"), _sum("usage_amount", _USED)
        ),
        covered_instance_cost=_zero("list_cost", f"{_INSTANCES} and {_COMMITTED}"),
        instance_list_cost=_zero(
            "list_cost", f"{_INSTANCES} and ({_COMMITTED} or pricing_model = 'on_demand')"
        ),
        instance_coverage=_ratio(
            _zero("list_cost", f"{_INSTANCES} and {_COMMITTED}"),
            _sum("list_cost", f"{_INSTANCES} and ({_COMMITTED} or pricing_model = 'on_demand')"),
        ),
    ),
    **_per_day(
        "unallocated_capacity",
        "platform",
        platform_spend="sum(first_spend)",
        free_spend="sum(free_spend)",
        unallocated_share=_ratio("sum(free_spend)", "sum(first_spend)"),
        passed_spend="sum(spend)",
        platform_unallocated_share=_ratio("sum(free_spend)", "sum(spend)"),
    ),
    **_per_hour(
        "commitment_usage",
        "commitment_id",
        commitment_cost=_sum("commitment_cost", _PAST),
        used_commitment_cost=_sum("used_cost", _PAST),
        unused_commitment_cost="sum(unused_cost)",
        utilization=_ratio(_sum("used_cost", _PAST), _sum("commitment_cost", _PAST)),
        covered_list_cost=_sum("covered_list_cost", _COVERED),
        pool_list_cost=_sum("pool_list_cost", _COVERED),
        coverage=_ratio(_sum("covered_list_cost", _COVERED), _sum("pool_list_cost", _COVERED)),
    ),
    **_per_day(
        "kubernetes_efficiency",
        "namespace",
        kubernetes_spend="sum(spend)",
        measured_kubernetes_spend="sum(spend) - sum(unmeasured_spend)",
        idle_spend="sum(idle_spend)",
        idle_share=_ratio("sum(idle_spend)", "(sum(spend) - sum(unmeasured_spend))"),
        core_hours="sum(cpu_request_core_hours)",
        core_hour_spend=_sum("spend", "cpu_request_core_hours is not null"),
        cost_per_core_hour=_ratio(
            _sum("spend", "cpu_request_core_hours is not null"), "sum(cpu_request_core_hours)"
        ),
        used_core_hours=_sum("cpu_usage_core_hours", _BOTH),
        comparable_core_hours=_sum("cpu_request_core_hours", _BOTH),
        cpu_utilization=_ratio(
            _sum("cpu_usage_core_hours", _BOTH), _sum("cpu_request_core_hours", _BOTH)
        ),
    ),
    **_per_day(
        "platform_health",
        "sub_platform",
        expected_hours="sum(expected)",
        measured_hours="sum(measured)",
        measured_share=_ratio("sum(measured)", "sum(expected)"),
        spend_at_stake="sum(spend_at_stake)",
    ),
    **{
        name: Plain(
            "invoice_bridge",
            _zero("amount", f"bridge_item = '{name}'"),
            "strptime(billing_period, '%Y-%m')::date",
            "payer_account_id",
        )
        for name in ("invoice", "unexplained")
    },
}
