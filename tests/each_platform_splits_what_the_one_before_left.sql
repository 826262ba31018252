-- On every way of spend a platform begins with what the platform before it left: nothing appears or
-- disappears between two of them.

with

steps as (
    select
        usage_hour,
        billing_period,
        lyft_label,
        way,
        usage_of,
        step,
        spend_before,
        lag(spend_after) over (
            partition by
                usage_hour,
                interval_hours,
                billing_period,
                is_period_charge,
                lyft_label,
                way,
                usage_of
            order by step
        ) as spend_after_the_one_before
    from {{ refreshed(ref('explained_splits')) }}
)

select
    usage_hour,
    billing_period,
    lyft_label,
    way,
    usage_of,
    step,
    spend_before,
    spend_after_the_one_before
from steps
where step > 1 and spend_before is distinct from spend_after_the_one_before
