-- What to label next: the rules that one can add to `label_rules`, and the dollars that each would
-- label by itself, day by day. Several may name the same charge. Charges that have a label of their
-- own whatever the rules say, such as the unused cost of commitments, are left out.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set read = ['account_id', 'product', 'usage_type', 'operation'] %}
{% set maps = ['tags', 'cost_categories'] %}

with

charges as (
    select * from {{ ref('int_charges_net') }}
    where
        {{ in_month('billing_period') }}
        and charge_class not in ('commitment_fee', 'commitment_to_come', 'unused_commitment')
        and (charge_class <> 'discount' or has_net_costs)
),

unlabeled_keys as (
    select * from {{ ref('int_label_keys') }}
    where {{ in_month('billing_period') }} and lyft_label = 'unlabeled'
),

unlabeled as (
    select
        charges.billing_period,
        cast(charges.usage_hour as date) as usage_date,
        charges.is_period_charge,
        charges.account_id,
        charges.product,
        charges.usage_type,
        charges.operation,
        charges.tags,
        charges.cost_categories,
        sum(charges.net_amortized_cost) as net_amortized_cost
    from charges
    inner join unlabeled_keys
        on
            charges.billing_period = unlabeled_keys.billing_period
            and charges.account_id = unlabeled_keys.account_id
            and charges.product = unlabeled_keys.product
            and charges.usage_type = unlabeled_keys.usage_type
            and charges.operation = unlabeled_keys.operation
            and charges.charge_class = unlabeled_keys.charge_class
            and charges.resource_id = unlabeled_keys.resource_id
            and charges.tags = unlabeled_keys.tags
            and charges.cost_categories = unlabeled_keys.cost_categories
            and charges.usage_hour >= unlabeled_keys.era_from
            and charges.usage_hour < unlabeled_keys.era_until
    group by
        charges.billing_period,
        cast(charges.usage_hour as date),
        charges.is_period_charge,
        charges.account_id,
        charges.product,
        charges.usage_type,
        charges.operation,
        charges.tags,
        charges.cost_categories
),

{% for map in maps %}
    {{ map }}_split as (
        select
            billing_period,
            usage_date,
            is_period_charge,
            net_amortized_cost,
            {{ entries_of(map) }} as entry
        from unlabeled
        where {{ map }} <> '{}' and {{ map }} <> ''
    ),
{% endfor %}

rules as (
    {% for column in read %}
        select
            billing_period,
            usage_date,
            is_period_charge,
            '{{ column | replace('_id', '') }}' as match_on,
            '' as match_key,
            'equals' as match_type,
            {{ column }} as match_value,
            net_amortized_cost
        from unlabeled
        where {{ column }} <> ''
        union all
    {% endfor %}
    select
        billing_period,
        usage_date,
        is_period_charge,
        'cost_category' as match_on,
        entry.key as match_key,
        'present' as match_type,
        '' as match_value,
        net_amortized_cost
    from cost_categories_split
    where {{ normalized_label('entry.value') }} is not null
    union all
    select
        billing_period,
        usage_date,
        is_period_charge,
        -- The keys of an account's own tags begin with `account_`.
        case when entry.key like 'account\_%' escape '\' then 'account_tag' else 'tag' end
            as match_on,
        regexp_replace(entry.key, '^account_', '') as match_key,
        'present' as match_type,
        '' as match_value,
        net_amortized_cost
    from tags_split
    where {{ normalized_label('entry.value') }} is not null
)

select
    -- when
    usage_date,
    billing_period,
    is_period_charge,

    -- how much
    cast(sum(net_amortized_cost) as decimal(38, 10)) as would_label,

    -- which rule
    match_on,
    match_key,
    match_type,
    match_value
from rules
group by
    usage_date,
    billing_period,
    is_period_charge,
    match_on,
    match_key,
    match_type,
    match_value
