-- Why a service spent this much in the last 28 days: the charges by the label on the bill, and the
-- platforms that split them. Charges for a whole month are left out, as in the number on top.

with

spend as (
    select * from {{ ref('enriched_spend') }}
    where not is_period_charge
),

last_days as (
    select max(cast(usage_hour as date)) - 27 as first_date
    from spend
)

select
    spend.lyft_label as service,
    sum(spend.spend) as spend,
    sum(spend.charge_true_cost) as split_charges,
    spend.product,
    spend.charge_class,
    spend.source_label as label_on_the_bill,
    nullif(spend.via, '') as passed_before,
    spend.platform || ': ' || spend.sub_platform || ' (' || spend.capacity_pool || ')' as platform,
    spend.cost_model,
    spend.basis
from spend
cross join last_days
where spend.usage_hour >= last_days.first_date
group by
    spend.lyft_label,
    spend.product,
    spend.charge_class,
    spend.source_label,
    spend.via,
    spend.platform,
    spend.sub_platform,
    spend.capacity_pool,
    spend.cost_model,
    spend.basis
order by
    spend desc,
    spend.product asc,
    spend.charge_class asc,
    label_on_the_bill asc,
    passed_before asc,
    platform asc,
    spend.cost_model asc,
    spend.basis asc
