-- The true cost of every charge. Instances of one family that ran in the same hour are one pool:
-- each pays the same rate of its list price, whichever of them happened to catch a reservation or
-- a savings plan. What is not in a pool costs what AWS applied to it. What was unused of a
-- reservation leaves the monthly fee and stands in the hours that wasted it.

{% set by = ['billing_period', 'payer_account_id', 'usage_hour', 'pool'] %}
{% set ties = [
    'account_id', 'lyft_label', 'label_rule', 'product', 'usage_type', 'operation', 'region',
    'instance_type', 'pricing_model', 'charge_class', 'is_period_charge', 'interval_hours'
] %}
{% set measures = [
    'usage_amount', 'list_cost', 'unblended_cost', 'net_unblended_cost', 'net_amortized_cost'
] %}

with

charges as (
    select * from {{ ref('int_charges_labelled') }}
),

unused_reservations as (
    select * from {{ ref('int_unused_reservations') }}
),

members as (
    select
        *,
        {{ units('list_cost') }} as list_units,
        {{ units('net_amortized_cost') }} as cost_units
    from charges
    where pool <> ''
),

{% if var('true_cost_pooling') == 'family' %}
{{ deal(
    'dealt', of='members', by=by, weight='list_units', whole='sum(cost_units)', ties=ties,
    keep=measures
) }},
{% elif var('true_cost_pooling') == 'none' %}
dealt as (
    select
        *,
        cost_units as dealt_units
    from members
),
{% else %}
{% do exceptions.raise_compiler_error(
    'The variable true_cost_pooling is `' ~ var('true_cost_pooling') ~ '`; it may be family or none.'
) %}
{% endif %}

priced as (
    select
        {{ (by + ties + measures) | join(',\n        ') }},
        {{ from_units('dealt_units', 'decimal(25, 10)') }} as true_cost
    from dealt
    union all
    select
        {{ (by + ties + measures) | join(',\n        ') }},
        case
            when charge_class = 'commitment_fee' and pricing_model = 'reserved' then {{ usd(0) }}
            else {{ usd('net_amortized_cost') }}
        end as true_cost
    from charges
    where pool = ''
    union all
    select
        billing_period,
        payer_account_id,
        usage_hour,
        '' as pool,
        account_id,
        '_unused_ri' as lyft_label,
        cast(null as int) as label_rule,
        product,
        usage_type,
        operation,
        region,
        instance_type,
        'reserved' as pricing_model,
        'unused_commitment' as charge_class,
        false as is_period_charge,
        interval_hours,
        {%- for measure in measures %}
            cast(0 as decimal(38, 10)) as {{ measure }},
        {%- endfor %}
        unused_cost as true_cost
    from unused_reservations
)

select
    -- who
    billing_period,
    payer_account_id,
    account_id,
    lyft_label,
    label_rule,

    -- what
    charge_class,
    pricing_model,
    product,
    usage_type,
    operation,
    region,
    instance_type,
    pool,

    -- how much of it
    usage_amount,

    -- what it cost
    list_cost,
    unblended_cost,
    net_unblended_cost,
    net_amortized_cost,
    true_cost,

    -- when
    usage_hour,
    interval_hours,
    is_period_charge
from priced
