-- Which months of usage each billing period has charges for, and from when until when: so that the
-- months of one clock can be told from those of the other without a look at the charges.
{{ by_period('priced') }}

with

charges as (
    select
        billing_period,
        usage_hour,
        {{ plus_hours('usage_hour', 'interval_hours') }} as end_hour,
        substr(cast(usage_hour as {{ dbt.type_string() }}), 1, 7) as usage_month,
        charge_class = 'usage' as is_usage,
        is_period_charge
    from {{ rebuilt(ref('int_charges_priced')) }}
)

select
    -- which months
    billing_period,
    usage_month,

    -- when
    min(usage_hour) as first_hour,
    max(usage_hour) as last_hour,
    max(end_hour) as end_hour,
    min(case when is_usage and not is_period_charge then usage_hour end) as usage_first_hour,
    max(case when is_usage and not is_period_charge then end_hour end) as usage_end_hour,
    max(case when is_usage then usage_hour end) as usage_last_hour
from charges
group by billing_period, usage_month
