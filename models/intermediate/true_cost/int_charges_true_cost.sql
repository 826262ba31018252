-- The true cost of every charge. Instances of one family that ran in the same hour are one pool:
-- each pays the same rate of its list price, whichever of them AWS applied a reservation or savings
-- plan to. A charge in no pool costs what AWS applied to it. The unused part of a reservation moves
-- from the monthly fee to the hours in which it went unused. Fees for hours that have not happened
-- are no cost yet: they are in `cost_to_come`.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set by = ['billing_period', 'payer_account_id', 'usage_hour', 'commitment_pool'] %}
{% set ties = [
    'account_id', 'lyft_label', 'label_rule', 'product', 'usage_type', 'operation', 'region',
    'instance_type', 'pricing_model', 'charge_class', 'is_period_charge', 'interval_hours'
] + carried_columns() %}
{% set measures = [
    'usage_amount', 'list_cost', 'unblended_cost', 'net_unblended_cost', 'net_amortized_cost'
] %}
{% set spreads = ['billing_period', 'payer_account_id', 'usage_hour', 'spread_over'] %}

{% if var('true_cost_pooling') not in ('family', 'none') %}
    {% do exceptions.raise_compiler_error(
        'The variable true_cost_pooling is `' ~ var('true_cost_pooling')
        ~ '`; it may be family or none.'
    ) %}
{% elif var('unused_commitment') not in ('label', 'spread') %}
    {% do exceptions.raise_compiler_error(
        'The variable unused_commitment is `' ~ var('unused_commitment')
        ~ '`; it may be label or spread.'
    ) %}
{% endif %}

with

charges as (
    select * from {{ ref('int_charges_labelled') }}
    where {{ in_month('billing_period') }}
),

-- Hours of instances, and of other usage that commitments can cover, covered or not.
members as (
    select
        *,
        {{ units('list_cost') }} as list_units,
        {{ units('net_amortized_cost') }} as cost_units
    from {{ ref('int_charges_labelled') }}
    where {{ in_month('billing_period') }} and commitment_pool <> '' and charge_class = 'usage'
),

unused as (
    select * from {{ ref('int_unused_commitments') }}
    where {{ in_month('billing_period') }}
),

{% if var('true_cost_pooling') == 'family' %}
    {{ allocate_largest_remainder(
        'pooled', of='members', by=by, weight='list_units', whole='sum(cost_units)', ties=ties,
        keep=measures
    ) }},
{% else %}
    pooled as (
        select
            *,
            cost_units as allocated_units
        from members
    ),
{% endif %}

-- Empty unless `unused_commitment` is `spread`.
spread_units as (
    select
        billing_period,
        payer_account_id,
        usage_hour,
        commitment_pool as spread_over,
        sum({{ units('unused_cost') }}) as unused_units
    from unused
    where is_spread
    group by billing_period, payer_account_id, usage_hour, commitment_pool
),

{% if var('unused_commitment') == 'spread' %}
    sharers as (
        select
            members.*,
            spread_units.spread_over,
            spread_units.unused_units
        from members
        inner join spread_units
            on
                members.billing_period = spread_units.billing_period
                and members.payer_account_id = spread_units.payer_account_id
                and members.usage_hour = spread_units.usage_hour
                and spread_units.spread_over
                in (members.plan_pool, members.instance_plan_pool, members.commitment_pool)
    ),

    {{ allocate_largest_remainder(
        'spread', of='sharers', by=spreads, weight='list_units', whole='max(unused_units)',
        ties=['commitment_pool'] + ties, keep=[]
    ) }},

    paid as (
        select
            {{ (by + ties + measures) | join(',\n            ') }},
            allocated_units
        from pooled
        union all
        select
            {{ (by + ties) | join(',\n            ') }},
            {%- for measure in measures %}
                cast(0 as decimal(38, 10)) as {{ measure }},
            {%- endfor %}
            allocated_units
        from spread
    ),

    shared as (
        select
            {{ (by + ties) | join(',\n            ') }},
            {%- for measure in measures %}
                cast(sum({{ measure }}) as decimal(38, 10)) as {{ measure }},
            {%- endfor %}
            sum(allocated_units) as allocated_units
        from paid
        group by {{ (by + ties) | join(', ') }}
    ),
{% else %}
    shared as (
        select * from pooled
    ),
{% endif %}

priced as (
    select
        {{ (by + ties + measures) | join(',\n        ') }},
        {{ from_units('allocated_units', 'decimal(25, 10)') }} as true_cost,
        {{ usd(0) }} as cost_to_come
    from shared
    union all
    select
        {{ (by + ties + measures) | join(',\n        ') }},
        case
            when charge_class = 'commitment_to_come' then {{ usd(0) }}
            else {{ usd('net_amortized_cost') }}
        end as true_cost,
        case
            when charge_class = 'commitment_to_come' then {{ usd('net_amortized_cost') }}
            else {{ usd(0) }}
        end as cost_to_come
    from charges
    where
        charge_class <> 'commitment_fee'
        and (commitment_pool = '' or charge_class <> 'usage')
        and not {{ is_spread_contract() }}
    union all
    select
        {%- for column in by + ties + measures %}
            {{ "'' as commitment_pool" if column == 'commitment_pool' else column }},
        {%- endfor %}
        true_cost,
        {{ usd(0) }} as cost_to_come
    from {{ ref('int_contracts_spread') }}
    where {{ in_month('billing_period') }}
    union all
    select
        {%- for column in by + ties + measures %}
            charges.{{ column }},
        {%- endfor %}
        case
            when charges.pricing_model = 'reserved' then {{ usd(0) }}
            when spread_units.usage_hour is not null then {{ usd(0) }}
            else {{ usd('charges.net_amortized_cost') }}
        end as true_cost,
        {{ usd(0) }} as cost_to_come
    from charges
    left join spread_units
        on
            charges.billing_period = spread_units.billing_period
            and charges.payer_account_id = spread_units.payer_account_id
            and charges.usage_hour = spread_units.usage_hour
            and charges.commitment_pool = spread_units.spread_over
    where charges.charge_class = 'commitment_fee'
    union all
    select
        billing_period,
        payer_account_id,
        usage_hour,
        '' as commitment_pool,
        account_id,
        lyft_label,
        cast(null as int) as label_rule,
        product,
        usage_type,
        operation,
        region,
        instance_type,
        'reserved' as pricing_model,
        case when is_to_come then 'commitment_to_come' else 'unused_commitment' end
            as charge_class,
        false as is_period_charge,
        interval_hours,
        {{ carried_of_no_line() }}
        {%- for measure in measures %}
            cast(0 as decimal(38, 10)) as {{ measure }},
        {%- endfor %}
        {{ usd('sum(case when is_to_come then 0 else unused_cost end)') }} as true_cost,
        {{ usd('sum(case when is_to_come then unused_cost else 0 end)') }} as cost_to_come
    from unused
    where (lyft_label = '_unused_ri' or is_to_come) and not is_spread
    group by
        billing_period,
        payer_account_id,
        usage_hour,
        account_id,
        lyft_label,
        product,
        usage_type,
        operation,
        region,
        instance_type,
        is_to_come,
        interval_hours
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
    commitment_pool,
    {{ carried() }}

    -- how much of it
    usage_amount,

    -- what it cost
    list_cost,
    unblended_cost,
    net_unblended_cost,
    net_amortized_cost,
    true_cost,
    cost_to_come,

    -- when
    usage_hour,
    interval_hours,
    is_period_charge
from priced
