-- AWS's first identity: what a savings plan covers is on the bill at its list price, and negated
-- again, hour by hour. AWS rounds; more than that is worth a look, and stands in the bridge.
{{ config(severity='warn') }}

select
    billing_period,
    payer_account_id,
    savings_plan_id,
    usage_hour,
    operation,
    usage_type,
    sum(unblended_cost) as difference
from {{ refreshed(ref('int_charges_priced')) }}
where savings_plan_id <> '' and charge_class in ('usage', 'negation')
group by billing_period, payer_account_id, savings_plan_id, usage_hour, operation, usage_type
having
    abs(sum(unblended_cost))
    > {{ aws_tolerance('sum(abs(unblended_cost))', 'sum(line_count)') }}
