-- AWS's third identity: what was used of a commitment in an hour is what its usage paid of it.
{{ config(severity='warn') }}

select
    billing_period,
    payer_account_id,
    savings_plan_id,
    usage_hour,
    sum(coalesce(savings_plan_used_cost, 0)) as used_cost,
    sum(coalesce(savings_plan_effective_cost, 0)) as effective_cost
from {{ refreshed(ref('stg_aws_cur__line_items')) }}
where line_item_type in ('SavingsPlanRecurringFee', 'SavingsPlanCoveredUsage')
group by billing_period, payer_account_id, savings_plan_id, usage_hour
having
    abs(
        sum(coalesce(savings_plan_used_cost, 0)) - sum(coalesce(savings_plan_effective_cost, 0))
    )
    > {{ aws_tolerance('sum(abs(coalesce(savings_plan_effective_cost, 0)))', 'count(*)') }}
