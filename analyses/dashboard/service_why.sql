-- Why a service spent this much in the last 28 days: the charges by the label on the bill, the
-- platforms that split them, and what the service held of the last of them. Charges for a whole
-- month are left out, as in the number on top.

with

spend as (
    select * from {{ ref('explained_spend') }}
    where not is_period_charge
),

last_days as (
    select max(usage_date) - 27 as first_date
    from spend
)

select
    spend.lyft_label as service,
    sum(spend.spend) as spend,
    sum(spend.charge_true_cost) as split_charges,
    concat_ws(
        ' ',
        spend.product,
        spend.usage_type,
        spend.operation,
        spend.charge_class,
        nullif(spend.pricing_model, 'none')
    ) as charge,
    spend.account_id,
    spend.source_label || coalesce(' (rule ' || cast(spend.label_rule as varchar) || ')', '')
        as label_on_the_bill,
    spend.first_platform || ': ' || spend.first_sub_platform
    || ' (' || spend.first_capacity_pool || ', ' || spend.first_cost_model || ')'
    || coalesce(
        spend.via || ' > ' || spend.last_platform || ': ' || spend.last_sub_platform
        || ' (' || spend.last_capacity_pool || ', ' || spend.last_cost_model || ')',
        ''
    ) as platforms,
    cast(sum(spend.held) as decimal(38, 6)) as held,
    cast(sum(spend.held_by_all) as decimal(38, 6)) as held_by_all,
    case
        when spend.last_cost_model = 'cpu' then 'core-hours'
        when spend.last_cost_model in ('memory', 'storage') then 'GiB-hours'
        when spend.last_cost_model = 'gpu' then 'GPU-hours'
        when spend.last_cost_model = 'network' then 'GiB'
        when sum(spend.held) is not null then 'units'
    end as unit,
    sum(spend.hours) as hours,
    spend.basis
from spend
cross join last_days
where spend.usage_date >= last_days.first_date
group by
    spend.lyft_label,
    spend.product,
    spend.usage_type,
    spend.operation,
    spend.charge_class,
    spend.pricing_model,
    spend.account_id,
    spend.source_label,
    spend.label_rule,
    spend.first_platform,
    spend.first_sub_platform,
    spend.first_capacity_pool,
    spend.first_cost_model,
    spend.via,
    spend.last_platform,
    spend.last_sub_platform,
    spend.last_capacity_pool,
    spend.last_cost_model,
    spend.basis
order by
    spend desc,
    charge asc,
    spend.account_id asc,
    label_on_the_bill asc,
    platforms asc,
    spend.basis asc
