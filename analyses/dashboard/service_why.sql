-- Why a service spent this much in the last 28 complete days: the charges by the label on the bill,
-- the platforms that split them, and the usage that decided on each. Charges for a whole month are
-- left out, as in the number on top.

with

last_days as (
    select date_day
    from {{ ref('time_spine') }}
    where days_back <= 28
),

-- Usage is that of the hour, whatever bill its charges are on.
hours as (
    select
        splits.lyft_label,
        splits.way,
        splits.usage_of,
        splits.basis,
        splits.step,
        splits.usage_label,
        splits.unit,
        max(splits.usage) as usage,
        max(splits.total_usage) as total_usage
    from {{ ref('explained_splits') }} as splits
    inner join last_days on splits.usage_date = last_days.date_day
    where not splits.is_period_charge
    group by
        splits.lyft_label,
        splits.way,
        splits.usage_of,
        splits.basis,
        splits.step,
        splits.usage_label,
        splits.unit,
        splits.usage_hour,
        splits.interval_hours
),

platforms as (
    select
        lyft_label,
        way,
        usage_of,
        basis,
        step,
        usage_label || coalesce(
            format(' {:,.2f} of {:,.2f} ', sum(usage), sum(total_usage)) || max(unit), ''
        ) as usage
    from hours
    group by lyft_label, way, usage_of, basis, step, usage_label
),

ways as (
    select
        lyft_label,
        way,
        usage_of,
        basis,
        string_agg(usage, ' > ' order by step) as usage
    from platforms
    group by lyft_label, way, usage_of, basis
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
    spend.way as platforms,
    ways.usage,
    sum(spend.hours) as hours,
    spend.basis
from {{ ref('explained_spend') }} as spend
inner join last_days on spend.usage_date = last_days.date_day
left join ways
    on
        spend.lyft_label = ways.lyft_label
        and spend.way = ways.way
        and spend.usage_of = ways.usage_of
        and spend.basis = ways.basis
where not spend.is_period_charge
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
    spend.way,
    spend.usage_of,
    ways.usage,
    spend.basis
order by
    spend desc,
    charge asc,
    spend.account_id asc,
    label_on_the_bill asc,
    platforms asc,
    spend.usage_of asc,
    spend.basis asc
