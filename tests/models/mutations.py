"""One-line changes to the models and macros, each of which makes money wrong somewhere.

`test_mutations` applies each to a copy of the project and expects it to be noticed.
"""

from dataclasses import dataclass
from pathlib import Path

AWS_CUR = "models/intermediate/aws_cur"
CHARGES = "models/intermediate/charges"
TRUE_COST = "models/intermediate/true_cost"
LABELS = "models/intermediate/labels"
ATTRIBUTION = "models/intermediate/attribution"


@dataclass(frozen=True)
class Mutation:
    """A change of one line.

    Attributes:
        file: What is changed, relative to the project.
        original: The text that goes; it is there exactly once.
        mutated: What comes in its place.
        select: What dbt builds to notice it: the model that is changed and all that read it, or for
            a macro the models that call it.
        company: Which company it is built with: the `simulated` one, or the `labelled` one, whose
            bill tries every kind of label rule.
    """

    file: str
    original: str
    mutated: str
    select: str = ""
    company: str = "simulated"

    @property
    def models(self) -> str:
        return self.select or f"{Path(self.file).stem}+"


MUTATIONS = {
    # The rounding rule.
    "a tie too few gets its digit": Mutation(
        "macros/allocate_largest_remainder.sql",
        "tied.tie_rank <= threshold.ties_that_win",
        "tied.tie_rank < threshold.ties_that_win",
        "int_schedules",
    ),
    "a tie gets a digit too many": Mutation(
        "macros/allocate_largest_remainder.sql",
        "remainders.remainder > threshold.last_remainder",
        "remainders.remainder >= threshold.last_remainder",
        "int_schedules",
    ),
    "the last labels win ties": Mutation(
        "macros/allocate_largest_remainder.sql",
        "remainders.{{ column }} nulls last",
        "remainders.{{ column }} desc nulls last",
        "int_schedules",
    ),
    "the smallest remainders win": Mutation(
        "macros/allocate_largest_remainder.sql",
        "list_reverse_sort(list(remainders.remainder))",
        "list_sort(list(remainders.remainder))",
        "int_schedules",
    ),
    "a quotient is rounded to the nearest": Mutation(
        "macros/floor_divide.sql",
        "* divisor > dividend then 1",
        "* divisor > dividend then 0",
        "int_workload_shares",
    ),
    # What the bill says.
    "the oldest assembly serves": Mutation(
        "models/staging/aws_cur/stg_aws_cur__deliveries.sql",
        "assemblies.manifest_time desc",
        "assemblies.manifest_time asc",
    ),
    "a load that is not complete serves": Mutation(
        "models/staging/aws_cur/stg_aws_cur__deliveries.sql",
        "where loads.status = 0",
        "where loads.status >= 0",
    ),
    "superseded assemblies count as well": Mutation(
        "models/staging/aws_cur/stg_aws_cur__line_items.sql",
        "deliveries.is_current",
        "deliveries.assembly_id is not null",
    ),
    "a closed month follows what AWS restates": Mutation(
        "models/staging/aws_cur/stg_aws_cur__deliveries.sql",
        "coalesce(closed.serves, newest_first.age = 1",
        "coalesce(null, newest_first.age = 1",
    ),
    "pods are paid for beside their machines": Mutation(
        "models/staging/aws_cur/stg_aws_cur__line_items.sql",
        "not in ('EKSPod-EC2', 'ECSTask-EC2')",
        "not in ('ECSTask-EC2')",
    ),
    "an hour is a period": Mutation(
        "models/staging/aws_cur/stg_aws_cur__line_items.sql",
        "> grain_hours as is_period_charge",
        ">= grain_hours as is_period_charge",
    ),
    # What a charge costs.
    "planned usage costs its list price": Mutation(
        f"{AWS_CUR}/int_line_items_priced.sql",
        "then coalesce(planned_cost, invoiced_cost)",
        "then unblended_cost",
    ),
    "reserved usage is free": Mutation(
        f"{AWS_CUR}/int_line_items_priced.sql",
        "when line_item_type = 'DiscountedUsage' then coalesce(reserved_cost, invoiced_cost)",
        "when line_item_type = 'DiscountedUsage' then unblended_cost",
    ),
    "prepayments count twice": Mutation(
        f"{AWS_CUR}/int_line_items_priced.sql",
        "when charge_class in ('negation', 'commitment_prepayment') then",
        "when charge_class in ('negation') then",
    ),
    "a refund of a prepayment is a gift": Mutation(
        f"{AWS_CUR}/int_line_items_priced.sql",
        "when is_prepayment_refund then",
        "when false then",
    ),
    "a discount counts twice": Mutation(
        f"{AWS_CUR}/int_line_items_priced.sql",
        "when charge_class = 'discount' then coalesce(net_unblended_cost, 0)",
        "when charge_class = 'discount' then unblended_cost",
    ),
    "spot pays for reservations": Mutation(
        f"{AWS_CUR}/int_line_items_priced.sql",
        "and pricing_model <> 'spot'",
        "and pricing_model <> ''",
    ),
    "a database pays alone for its reservation": Mutation(
        "macros/commitment_family.sql",
        "('AmazonRDS', ['%InstanceUsage%:%', ",
        "('AmazonRDS', [",
        "int_line_items_priced+",
    ),
    "a discount on a purchase is forgotten": Mutation(
        f"{AWS_CUR}/int_prepayments.sql",
        "priced.net_unblended_cost as net_cost",
        "priced.unblended_cost as net_cost",
    ),
    "databases are under compute savings plans": Mutation(
        "macros/savings_plans_for.sql",
        "in ('AmazonEC2', 'AmazonECS', 'AmazonEKS', 'AWSLambda')",
        "in ('AmazonEC2', 'AmazonECS', 'AmazonEKS', 'AWSLambda', 'AmazonRDS')",
        "int_line_items_priced+",
    ),
    "units that are not normalized are nothing": Mutation(
        f"{TRUE_COST}/int_unused_reservations.sql",
        "coalesce(normalized_usage_amount, usage_amount)",
        "normalized_usage_amount",
    ),
    "what was used was wasted": Mutation(
        f"{TRUE_COST}/int_unused_reservations.sql",
        "- coalesce(used.used_units, 0), 0",
        "- 0, 0",
    ),
    "pools share by what was paid": Mutation(
        f"{TRUE_COST}/int_charges_true_cost.sql",
        "'pooled', of='members', by=by, weight='list_units'",
        "'pooled', of='members', by=by, weight='cost_units'",
    ),
    "a reservation's fee stays and its hours come on top": Mutation(
        f"{TRUE_COST}/int_charges_true_cost.sql",
        "when charges.pricing_model = 'reserved' then {{ usd(0) }}",
        "when charges.pricing_model = 'none' then {{ usd(0) }}",
    ),
    # Labels.
    "unused commitments belong to whoever is tagged": Mutation(
        f"{LABELS}/int_charges_labelled.sql",
        "when charges.charge_class = 'commitment_fee' then '_unused_sp'",
        "when charges.charge_class = 'commitment_fee' then keys.lyft_label",
    ),
    "rules make reserved labels": Mutation(
        "macros/winning_rule.sql",
        "not in {{ reserved_labels() }}",
        "not in ('')",
        "int_label_matches+ int_pod_labels+",
        company="labelled",
    ),
    "one condition of a rule is enough": Mutation(
        "macros/winning_rule.sql",
        "{% if not loop.first %}and {% endif %}{{ rule_condition(condition) }}",
        "{% if not loop.first %}or {% endif %}{{ rule_condition(condition) }}",
        "int_label_matches+",
        company="labelled",
    ),
    "a rule holds from its end on": Mutation(
        "macros/winning_rule.sql",
        "and rule_era < {{ changes.index(rule.valid_until) + 1 }}",
        "and rule_era <= {{ changes.index(rule.valid_until) + 1 }}",
        "int_label_matches+",
        company="labelled",
    ),
    "a blank tag is a tag": Mutation(
        "macros/rule_condition.sql",
        "{{ normalized_label(rule_value(condition)) }} is not null",
        "{{ rule_value(condition) }} is not null",
        "int_label_matches+",
        company="labelled",
    ),
    "the last rule wins": Mutation(
        "macros/label_rules.sql",
        "order by rule_order, match_on",
        "order by rule_order desc, match_on",
        "int_label_matches+",
        company="labelled",
    ),
    "a namespace may be called free": Mutation(
        f"{LABELS}/int_pod_labels.sql",
        "in {{ reserved_labels() }}",
        "in ('')",
        company="labelled",
    ),
    # Who used what.
    "the smaller of request and usage counts": Mutation(
        "macros/allocated.sql",
        "then greatest(",
        "then least(",
        "int_kubernetes_usage",
    ),
    "a pod runs as long as its containers do one after the other": Mutation(
        f"{ATTRIBUTION}/int_pod_hours.sql",
        "max(running_hours) as running_hours",
        "sum(running_hours) as running_hours",
        "int_pod_hours",
    ),
    "memory is measured in cores": Mutation(
        "macros/kubernetes_resources.sql",
        "'capacity': 'memory_capacity_gib_hours'",
        "'capacity': 'cpu_capacity_core_hours'",
        "int_kubernetes_usage",
    ),
    "a pod keeps the label of any hour": Mutation(
        f"{ATTRIBUTION}/int_kubernetes_usage.sql",
        "and pod_hours.usage_hour = pod_labels.usage_hour",
        "and pod_hours.usage_hour >= pod_labels.usage_hour",
    ),
    "the oldest publication serves": Mutation(
        "models/staging/platforms/stg_platforms__usage.sql",
        "deliveries.delivered_at desc",
        "deliveries.delivered_at asc",
    ),
    "an earlier collection serves": Mutation(
        "models/staging/kubernetes/stg_kubernetes__cluster_hours.sql",
        "collections.collected_at desc",
        "collections.collected_at asc",
    ),
    "a whole is added to its pools": Mutation(
        f"{ATTRIBUTION}/int_declared_usage.sql",
        "where capacity_pool = 'all'",
        "where capacity_pool = ''",
    ),
    # Filled gaps.
    "three quarters are not enough": Mutation(
        f"{ATTRIBUTION}/int_schedule_calendar.sql",
        "coalesce(seen.coverage >= platforms.min_coverage, true)\n        and coalesce(",
        "coalesce(seen.coverage > platforms.min_coverage, true)\n        and coalesce(",
    ),
    "gaps are an hour shorter": Mutation(
        f"{ATTRIBUTION}/int_schedule_calendar.sql",
        "hours_since + hours_until - 1 <= interpolate_hours",
        "hours_since + hours_until - 1 < interpolate_hours",
    ),
    "nothing is ever unattributed": Mutation(
        f"{ATTRIBUTION}/int_schedule_calendar.sql",
        "when hours_since <= carry_hours then",
        "when hours_since >= 0 then",
    ),
    "the farther neighbour counts more": Mutation(
        f"{ATTRIBUTION}/int_gap_filled_usage.sql",
        "        hours_until * ",
        "        hours_since * ",
    ),
    # Cost models, and what is free.
    "a cluster that is held twice has room": Mutation(
        "macros/weigh.sql",
        "greatest(totals.capacity_units - totals.allocated_units, 0)",
        "totals.capacity_units",
        "int_cost_model_weights",
    ),
    "an idle cluster is nobody's": Mutation(
        "macros/weigh.sql",
        "case when basis = 'unattributed' then 'unattributed' else 'free' end",
        "'unattributed'",
        "int_cost_model_weights",
    ),
    "the idle part of even shares is everybody's": Mutation(
        "macros/weigh.sql",
        "and not (totals.weighs_by = 'presence' and weights.lyft_label = 'free')",
        "",
        "int_cost_model_weights",
    ),
    "the largest share is of the capacity alone": Mutation(
        "macros/weigh.sql",
        "'greatest(totals.capacity_units, totals.allocated_units)'",
        "'totals.allocated_units'",
        "int_cost_model_weights",
    ),
    "what is held beyond the capacity counts in full": Mutation(
        "macros/weigh.sql",
        "when totals.allocated_units > totals.offered_units",
        "when totals.allocated_units < 0",
        "int_cost_model_weights",
    ),
    "a gigabyte costs as much as a core": Mutation(
        f"{ATTRIBUTION}/int_cost_models.sql",
        "{{ price_of_resource(resource) if",
        "{{ price_of_resource('cpu') if",
        "int_cost_models",
    ),
    "memory that nobody holds is spread over cores": Mutation(
        "macros/weigh.sql",
        "case when totals.allocated_units = 0 then totals.price * totals.capacity_units else 0 end",
        "0 * totals.allocated_units",
        "int_cost_model_weights",
    ),
    "free capacity that is spread stays": Mutation(
        "macros/weigh.sql",
        "or spread.lyft_label <> 'free'",
        "or spread.lyft_label <> ''",
        "int_cost_model_weights",
    ),
    # Platforms on platforms.
    "a row about the bill sends parts on": Mutation(
        f"{ATTRIBUTION}/int_platform_dependencies.sql",
        "where product is null and usage_type is null",
        "where usage_type is null",
        "int_platform_dependencies",
    ),
    "a part is as well known as its first step": Mutation(
        f"{ATTRIBUTION}/int_allocation_levels.sql",
        "greatest(\n                    below.basis_rank",
        "least(\n                    below.basis_rank",
    ),
    "a part is allocated by the schedules of days": Mutation(
        f"{ATTRIBUTION}/int_allocation_levels.sql",
        "and below.interval_hours = schedules.interval_hours",
        "and below.interval_hours <= schedules.interval_hours",
    ),
    "free capacity is measured after it was spread": Mutation(
        f"{ATTRIBUTION}/int_platform_throughput.sql",
        "where is_measured and (level > 1",
        "where is_served and (level > 1",
    ),
    "what goes back to a label is nobody's": Mutation(
        f"{ATTRIBUTION}/int_allocation_levels.sql",
        "case when goes_back then label_before else lyft_label end as receiving_label",
        "lyft_label as receiving_label",
    ),
    "unknown hours are allocated among those who are known": Mutation(
        f"{ATTRIBUTION}/int_interval_schedules.sql",
        "where counted.hours_unknown > 0",
        "where counted.hours_unknown < 0",
    ),
    # The split.
    "a charge waits for a pool that is not there": Mutation(
        f"{ATTRIBUTION}/int_platform_charges.sql",
        "coalesce(pools.capacity_pool, 'all')",
        "coalesce(charges.requested_capacity_pool, 'all')",
    ),
    "a charge is split by every cost model": Mutation(
        f"{ATTRIBUTION}/int_platform_charges.sql",
        "and charges.cost_model = pools.cost_model",
        "and charges.cost_model is not null",
    ),
    "the least specific row claims a charge": Mutation(
        f"{ATTRIBUTION}/int_platform_keys.sql",
        "order by claims.specificity desc",
        "order by claims.specificity asc",
    ),
    "a platform that ended splits on": Mutation(
        f"{ATTRIBUTION}/int_platform_keys.sql",
        "least(resources.valid_until, platforms.valid_until)",
        "resources.valid_until",
    ),
    "an hour is split by the schedules of days": Mutation(
        "models/marts/enriched_spend.sql",
        "and charges.interval_hours = splits.interval_hours",
        "and charges.interval_hours <= splits.interval_hours",
    ),
    "a split is rounded to ten digits": Mutation(
        "models/marts/enriched_spend.sql",
        "cast(true_cost * proportion as decimal(38, 20)) as spend",
        "cast(round(true_cost * proportion, 10) as decimal(38, 20)) as spend",
    ),
    "what nobody knows about is nobody's": Mutation(
        "models/marts/enriched_spend.sql",
        "coalesce(splits.lyft_label, charges.source_label) as lyft_label",
        "coalesce(splits.lyft_label, 'unattributed') as lyft_label",
    ),
    # What is not over yet, what nothing amortizes, what cannot be right and who does not share.
    "a bill that is closed has hours to come": Mutation(
        f"{CHARGES}/int_hours_to_come.sql",
        "having max(case when is_invoiced then 0 else 1 end) = 1",
        "having max(case when is_invoiced then 0 else 1 end) >= 0",
    ),
    "the first hour to come is over": Mutation(
        f"{AWS_CUR}/int_line_items_priced.sql",
        "line_items.usage_hour >= hours_to_come.to_come_from",
        "line_items.usage_hour > hours_to_come.to_come_from",
    ),
    "a day that is going on is over": Mutation(
        "models/staging/aws_cur/stg_aws_cur__assembly_months.sql",
        "{{ hours_between('usage_hour', 'ended_at') }} < grain_hours",
        "{{ hours_between('usage_hour', 'ended_at') }} < 1",
    ),
    "what was paid back is spread": Mutation(
        f"{AWS_CUR}/int_unamortized_prepayments.sql",
        "and sum(net_prepaid_cost) + sum(refunded_cost) > 0",
        "and sum(net_prepaid_cost) + sum(refunded_cost) <> 0",
    ),
    "a term is spread over an hour more": Mutation(
        f"{AWS_CUR}/int_prepaid_hours.sql",
        "{{ hours_between('prepayments.term_from', 'prepayments.term_until') }} as term_hours",
        "{{ hours_between('prepayments.term_from', 'prepayments.term_until') }} + 1 as term_hours",
    ),
    "an account that shares no hour is on two bills": Mutation(
        f"{AWS_CUR}/int_periods_left_out.sql",
        "hours.last_hour > other_hours.first_hour and",
        "hours.last_hour >= other_hours.first_hour and",
    ),
    "a tenth without net costs is right": Mutation(
        f"{AWS_CUR}/int_periods_left_out.sql",
        "or cost_without_net * 10 > gross_cost",
        "or cost_without_net > gross_cost",
    ),
    "an account shares in its first hour apart": Mutation(
        f"{AWS_CUR}/int_line_items_priced.sql",
        "and line_items.usage_hour >= discount_sharing.valid_from",
        "and line_items.usage_hour > discount_sharing.valid_from",
    ),
    # What is served.
    "two teams own the hour of a move": Mutation(
        "models/marts/daily_spend.sql",
        "and spend.owned_at < owners.owned_until",
        "and spend.owned_at <= owners.owned_until",
    ),
    "a team belongs to an org before it exists": Mutation(
        "models/intermediate/labels/int_label_owners.sql",
        "greatest(owners.owned_from, coalesce(orgs.valid_from,",
        "least(owners.owned_from, coalesce(orgs.valid_from,",
    ),
    "free is what is not": Mutation(
        "models/marts/unallocated_capacity.sql",
        "charges.true_cost * throughput.free_proportion as free_spend",
        "charges.true_cost as free_spend",
    ),
    "what passes a second platform is summed twice": Mutation(
        "models/marts/unallocated_capacity.sql",
        "cast(0 as decimal(25, 10)) as first_spend",
        "charges.true_cost * throughput.proportion as first_spend",
    ),
    "what no platform splits is not explained": Mutation(
        "models/marts/explained_spend.sql",
        "coalesce(splits.proportion, cast(1 as decimal(11, 10)))",
        "coalesce(splits.proportion, cast(0 as decimal(11, 10)))",
    ),
    "a sum begins with what it should end with": Mutation(
        "models/marts/explained_splits.sql",
        "sum(true_cost * proportion_before)",
        "sum(true_cost * proportion)",
    ),
    "usage of the whole platform is one label's": Mutation(
        "models/marts/explained_splits.sql",
        "then weights.weight_units",
        "then totals.weight_units",
    ),
    "a label that begins alike is on the way": Mutation(
        "models/intermediate/attribution/int_allocation_steps.sql",
        "position(concat(passed.usage_of, ' > ') in last_steps.usage_of) = 1",
        "position(passed.usage_of in last_steps.usage_of) = 1",
    ),
    "the bridge loses what a plan covered": Mutation(
        "models/marts/invoice_bridge.sql",
        "sp_negation - covered_cost as negation_difference",
        "sp_negation as negation_difference",
    ),
}
