"""The questions that both the models and the simulated company's truth answer."""

from pathlib import Path

from tests.end_to_end.companies import Company, differences

_CHARGE = """
    usage_hour, billing_period, payer_account_id, account_id, lyft_label,
    coalesce(product, '') as product, coalesce(usage_type, '') as usage_type, charge_class,
    is_period_charge
"""
_SHARE = """
    usage_hour, interval_hours::bigint as interval_hours, platform, sub_platform, capacity_pool,
    cost_model, lyft_label, proportion::decimal(11, 10) as proportion, basis
"""
_SPENDING = """
    usage_hour, source_label, lyft_label, platform, sub_platform, capacity_pool, cost_model, via,
    basis, coalesce(product, '') as product, charge_class
"""
_CAPACITY = "usage_date, platform, sub_platform, capacity_pool"


def falsehoods(company: Company, truth: Path, pooling: str) -> dict[str, list[tuple[object, ...]]]:
    """Where the marts and the truth differ: question -> some of the rows that only one has.

    Args:
        company: The company, built.
        truth: Where the simulation wrote its truth.
        pooling: How true_cost was pooled, `family` or `none`.
    """
    files = {
        f"true_{name}": truth / f"{name}.parquet"
        for name in ("true_cost", "schedule", "enriched_spend", "unallocated_capacity")
    }
    questions = {
        "what a charge cost": (
            f"""select {_CHARGE}, sum(net_amortized_cost)::decimal(38, 10) as net_amortized_cost,
                sum(true_cost)::decimal(38, 10) as true_cost
            from marts.true_cost group by all""",
            f"""select {_CHARGE}, sum(net_amortized_cost)::decimal(38, 10),
                sum(true_cost_{pooling})::decimal(38, 10)
            from true_true_cost group by all""",
        ),
        "who had which share": (
            f"select {_SHARE} from marts.attribution_schedule",
            f"select {_SHARE} from true_schedule",
        ),
        "who spent what": (
            f"""select {_SPENDING}, sum(spend)::decimal(38, 20) as spend
            from marts.enriched_spend group by all having sum(spend) <> 0""",
            f"""select {_SPENDING}, sum(spend_{pooling})::decimal(38, 20)
            from true_enriched_spend group by all having sum(spend_{pooling}) <> 0""",
        ),
        "what was free": (
            f"""select {_CAPACITY}, spend::decimal(38, 20), free_spend::decimal(38, 20)
            from marts.unallocated_capacity where spend <> 0 or free_spend <> 0""",
            f"""select {_CAPACITY}, spend_{pooling}, free_spend_{pooling}
            from true_unallocated_capacity
            where spend_{pooling} <> 0 or free_spend_{pooling} <> 0""",
        ),
    }
    found = {
        question: list(differences(company, ours, true, attach=files))
        for question, (ours, true) in questions.items()
    }
    return {question: rows for question, rows in found.items() if rows}
