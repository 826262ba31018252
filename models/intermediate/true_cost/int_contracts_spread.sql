-- Marketplace contracts of the products that the variable `spread_marketplace` names, with their
-- cost in every hour of their term that is in the month of their bill: from the billed hour to the
-- end that the line gives, or to the end of the month where it gives none. All columns but the true
-- cost stay in the billed hour. Empty by default.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set key = [
    'billing_period', 'payer_account_id', 'account_id', 'lyft_label', 'rule_order', 'charge_class',
    'pricing_model', 'product', 'usage_type', 'operation', 'region', 'instance_type'
] + carried_columns() %}
{% set measures = [
    'usage_amount', 'list_cost', 'unblended_cost', 'net_unblended_cost', 'net_amortized_cost'
] %}

with

charges as (
    select * from {{ ref('charges') }}
    where {{ in_month('billing_period') }} and {{ is_spread_contract() }}
),

label_keys as (
    select * from {{ ref('int_label_matches') }}
    where {{ in_month('billing_period') }}
),

labelled as (
    select
        charges.*,
        label_keys.lyft_label,
        coalesce(label_keys.label_rule, 0) as rule_order
    from charges
    inner join label_keys on {{ matches_label('label_keys') }}
),

contracts as (
    select
        {{ key | join(',
        ') }},
        {%- for measure in measures %}
            sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        {{ units('sum(net_amortized_cost)') }} as cost_units,
        usage_hour,
        usage_hour as billed_hour,
        interval_hours,
        is_period_charge,
        case
            when is_period_charge
                then least(
                        {{ plus_hours('usage_hour', 'interval_hours') }},
                        cast(concat(billing_period, '-01') as timestamp) + interval '1' month
                    )
            else cast(concat(billing_period, '-01') as timestamp) + interval '1' month
        end as ended_at
    from labelled
    group by {{ key | join(', ') }}, usage_hour, interval_hours, is_period_charge
),

hours as (
    select
        {{ key | join(',\n        ') }},
        billed_hour,
        interval_hours,
        is_period_charge,
        cost_units,
        1 as weight,
        {{ hours_from('billed_hour', 'ended_at') }} as usage_hour
    from contracts
),

{{ allocate_largest_remainder(
    'allocated', of='hours', by=key + ['billed_hour', 'interval_hours', 'is_period_charge'],
    weight='weight', whole='max(cost_units)', ties=['usage_hour'], keep=[]
) }},

costs as (
    select
        {{ key | join(',\n        ') }},
        {%- for measure in measures %}
            {{ measure }},
        {%- endfor %}
        0 as cost_units,
        usage_hour,
        interval_hours,
        is_period_charge
    from contracts
    union all
    select
        {{ key | join(',\n        ') }},
        {%- for measure in measures %}
            cast(0 as decimal(38, 10)) as {{ measure }},
        {%- endfor %}
        allocated_units as cost_units,
        usage_hour,
        1 as interval_hours,
        false as is_period_charge
    from allocated
)

select
    -- who
    billing_period,
    payer_account_id,
    account_id,
    lyft_label,
    nullif(rule_order, 0) as label_rule,

    -- what
    charge_class,
    pricing_model,
    product,
    usage_type,
    operation,
    region,
    instance_type,
    {{ carried() }}

    -- how much of it
    cast(sum(usage_amount) as decimal(38, 10)) as usage_amount,

    -- what it cost
    cast(sum(list_cost) as decimal(38, 10)) as list_cost,
    cast(sum(unblended_cost) as decimal(38, 10)) as unblended_cost,
    cast(sum(net_unblended_cost) as decimal(38, 10)) as net_unblended_cost,
    cast(sum(net_amortized_cost) as decimal(38, 10)) as net_amortized_cost,
    {{ from_units('sum(cost_units)', 'decimal(25, 10)') }} as true_cost,

    -- when
    usage_hour,
    interval_hours,
    is_period_charge
from costs
group by
    {{ key | join(',\n    ') }},
    usage_hour,
    interval_hours,
    is_period_charge
