-- What every month is built from, one row each: the deliveries of its bill, the collections and
-- publications about its hours, and the rules, platforms and resources that are valid in it.
{{ config(materialized='table') }}

{% set text = dbt.type_string() %}
{# Of a bill: where an ingredient is read from, and the words and columns that it consists of. #}
{% set of_bills = [
    ('deliveries', "'assembly'", 'assembly_id', 'report', 'manifest_time', 'landed_at', 'is_current'),
    ('statements', "'statement'", 'statement_id', 'delivered_at', 'landed_at', 'is_current'),
    (ref('closed_periods'), "'closed'", 'payer_account_id', 'assembly_id'),
    (ref('invoice_totals'), "'invoice'", 'payer_account_id', 'invoice_id', usd('amount')),
    (ref('int_hours_to_come'), "'to come'", 'payer_account_id', 'to_come_from'),
    ('purchases', "concat('purchase ', assembly_id)"),
    ('unamortized', "'unamortized'", 'reservation_id', 'assembly_id', 'prepaid_cost', 'is_awaited',
     'term_from', 'term_until'),
    ('refunds', "'prepaid'", 'commitment_id', 'prepaid_cost'),
] %}
{#
    Of facts the same, after the hours between which one is valid. The last fixed shares that an owner
    published may be from long before.
#}
{% set of_facts = [
    ('rules', 'valid_from', 'valid_until', "'rule'", 'rule_order', 'match_on',
     "coalesce(match_key, '')", 'match_type', "coalesce(match_value, '')", 'lyft_label'),
    ('platforms', 'valid_from', 'valid_until', "'platform'", 'platform', 'sub_platform',
     'schedule_source', 'cost_model', 'allocation_base', 'pool_by', 'free_policy', 'min_coverage',
     'interpolate_hours', 'carry_hours', "coalesce(cast(expected_from as " ~ text ~ "), '')",
     "coalesce(cast(expected_until as " ~ text ~ "), '')"),
    ("platforms where cost_model = 'fixed'", 'valid_from', end_of_time(), "'fixed'", 'platform',
     'sub_platform', 'schedule_source', 'valid_from', 'valid_until'),
    ('cost_models', 'valid_from', 'valid_until', "'cost model'", 'platform', 'sub_platform',
     'schedule_source', 'cost_model', 'ever_spread'),
    (ref('stg_seeds__platform_resources'), 'valid_from', 'valid_until', "'resource'", 'platform',
     'sub_platform', "coalesce(lyft_label, '')", "coalesce(product, '')",
     "coalesce(usage_type, '')", "coalesce(cost_model, '')"),
    (ref('stg_seeds__discount_sharing'), 'valid_from', 'valid_until', "'sharing'", 'account_id',
     'sharing_group'),
    (ref('int_owner_changes'), 'changed_at', plus_hours('changed_at', 1),
     "concat('owner of ', lyft_label)"),
] %}

with

deliveries as (
    select * from {{ ref('stg_aws_cur__deliveries') }}
),

statements as (
    select * from {{ ref('stg_focus__statements') }}
),

bill_months as (
    select * from {{ ref('int_period_months') }}
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

rules as (
    select * from {{ ref('stg_seeds__label_rules') }}
),

bill as (
    select
        min(usage_first_hour) as first_hour,
        max(usage_end_hour) as end_hour
    from bill_months
    where usage_month = billing_period
),

-- Fixed shares are valid until others are published, however long that takes.
usage as (
    select
        concat('collection ', collection_id) as ingredient,
        first_hour,
        {{ plus_hours('last_hour', 1) }} as end_hour,
        {{ plus_hours('last_hour', 1) }} as valid_until
    from {{ ref('stg_kubernetes__collections') }}
    union all
    select
        concat('delivery ', publications.delivery_id) as ingredient,
        publications.first_hour,
        {{ plus_hours('publications.last_hour', 1) }} as end_hour,
        case
            when max(case when platforms.cost_model = 'fixed' then 1 end) = 1
                then {{ end_of_time() }}
            else {{ plus_hours('publications.last_hour', 1) }}
        end as valid_until
    from {{ ref('stg_platforms__deliveries') }} as publications
    left join platforms on publications.platform = platforms.platform
    group by publications.delivery_id, publications.first_hour, publications.last_hour
),

-- Every day with usage, or for which usage is expected.
days as (
    select {{ hours_from("date_trunc('day', first_hour)", 'end_hour', 24) }} as usage_day
    from (
        select
            first_hour,
            end_hour
        from usage
        union distinct
        select
            first_hour,
            end_hour
        from bill
        where end_hour is not null
        union distinct
        select
            greatest(platforms.expected_from, platforms.valid_from) as first_hour,
            bill.end_hour
        from platforms
        cross join bill
        where platforms.expected_from < bill.end_hour and platforms.valid_from < bill.end_hour
    ) as spans_of_days
),

known as (
    {%- for month, relation in [
        (month_of('usage_day'), 'days'), ('billing_period', 'deliveries'),
        ('billing_period', 'statements'), ('usage_month', 'bill_months'),
    ] %}
        select {{ month }} as month
        from {{ relation }}
        {{ 'union distinct' if not loop.last }}
    {%- endfor %}
),

-- An hour may fill gaps up to this many hours away.
reach as (
    select coalesce(max(greatest(interpolate_hours, carry_hours)), 0) as hours
    from platforms
),

months as (
    select
        known.month,
        cast(concat(known.month, '-01') as timestamp) as starts_at,
        cast(concat(known.month, '-01') as timestamp) + interval '1' month as ends_at,
        min(bill_months.first_hour) as charges_from,
        max(bill_months.end_hour) as charges_until
    from known
    left join bill_months on known.month in (bill_months.billing_period, bill_months.usage_month)
    group by known.month
),

-- The span of time that a month depends on: usage around it, and facts about its charges.
spans as (
    select
        months.*,
        {{ plus_hours('months.starts_at', '-reach.hours') }} as usage_from,
        {{ plus_hours(
            'greatest(months.ends_at, coalesce(months.charges_until, months.ends_at))', 'reach.hours'
        ) }} as usage_until,
        least(
            {{ plus_hours('months.starts_at', '-reach.hours') }},
            coalesce(months.charges_from, months.starts_at)
        ) as facts_from
    from months
    cross join reach
),

bills as (
    select assembly_months.*
    from {{ ref('stg_aws_cur__assembly_months') }} as assembly_months
    inner join deliveries on assembly_months.assembly_id = deliveries.assembly_id
    where deliveries.is_current
),

-- Discounts on what was paid upfront are passed on to the usage of later months.
purchases as (
    select distinct
        later.billing_period,
        purchases.assembly_id
    from bills as later
    inner join bills as purchases on later.payer_account_id = purchases.payer_account_id
    where
        later.has_commitments
        and purchases.has_prepayments
        and later.assembly_id <> purchases.assembly_id
        and later.billing_period in (
            select discounted.billing_period
            from bills as discounted
            where discounted.has_discounts
        )
),

-- Prepayments that AWS does not amortize are spread over the bills of other months.
unamortized as (
    select distinct
        bills.billing_period,
        bills.payer_account_id,
        prepayments.reservation_id,
        prepayments.assembly_id,
        prepayments.prepaid_cost,
        prepayments.is_awaited,
        prepayments.term_from,
        prepayments.term_until
    from {{ ref('int_unamortized_prepayments') }} as prepayments
    inner join bills on prepayments.payer_account_id = bills.payer_account_id
),

-- A refund is recognised by a prepayment on another bill.
refunds as (
    select distinct
        commitments.billing_period,
        commitments.payer_account_id,
        commitments.commitment_id,
        prepaid_amounts.prepaid_cost
    from {{ ref('stg_aws_cur__commitments') }} as commitments
    inner join deliveries on commitments.assembly_id = deliveries.assembly_id
    inner join {{ ref('int_prepaid_amounts') }} as prepaid_amounts
        on
            commitments.payer_account_id = prepaid_amounts.payer_account_id
            and commitments.commitment_id = prepaid_amounts.commitment_id
    where deliveries.is_current and commitments.refunded_cost <> 0
),

-- Where free capacity was ever spread, there are two schedules.
cost_models as (
    select distinct
        platforms.platform,
        platforms.sub_platform,
        cost_models.schedule_source,
        cost_models.cost_model,
        max(case when platforms.free_policy = 'spread' then 'spread' else '' end) over (
            partition by platforms.platform, platforms.sub_platform
        ) as ever_spread,
        platforms.valid_from,
        platforms.valid_until
    from platforms
    inner join {{ ref('int_platform_cost_models') }} as cost_models
        on
            platforms.platform = cost_models.platform
            and platforms.sub_platform = cost_models.sub_platform
),

facts as (
    {%- for fact in of_facts %}
        select
            concat_ws(
                ' | ',
                {%- for word in fact[3:] %}
                    cast({{ word }} as {{ text }}){{ ',' if not loop.last }}
                {%- endfor %}
            ) as fact,
            {{ fact[1] }} as valid_from,
            {{ fact[2] }} as valid_until
        from {{ fact[0] }}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    month,
    'known' as kind,
    month as ingredient
from known
{%- for part in of_bills %}
    union all
    select
        billing_period as month,
        'bill' as kind,
        concat_ws(
            ' | ',
            {%- for word in part[1:] %}
                cast({{ word }} as {{ text }}){{ ',' if not loop.last }}
            {%- endfor %}
        ) as ingredient
    from {{ part[0] }}
{%- endfor %}
union all
select
    spans.month,
    'usage' as kind,
    usage.ingredient
from spans
inner join usage
    on spans.usage_until > usage.first_hour and spans.usage_from < usage.valid_until
union all
select
    spans.month,
    'facts' as kind,
    concat_ws(
        ' | ',
        facts.fact,
        cast(greatest(facts.valid_from, spans.facts_from) as {{ text }}),
        cast(least(facts.valid_until, spans.usage_until) as {{ text }})
    ) as ingredient
from spans
inner join facts
    on spans.usage_until > facts.valid_from and spans.facts_from < facts.valid_until
union all
-- A bill keeps the ids of the resources that a rule matches, also from before the rule is valid.
select
    spans.month,
    'facts' as kind,
    concat_ws(
        ' | ',
        'resource id',
        rules.match_type,
        coalesce(rules.match_value, ''),
        cast(rules.valid_from as {{ text }})
    ) as ingredient
from spans
inner join rules on spans.starts_at + interval '32' day > rules.valid_from
where rules.match_on = 'resource_id'
union all
-- The hours that a month should have.
select
    spans.month,
    'facts' as kind,
    concat_ws(
        ' | ',
        'expected',
        cast(least(greatest(bill.first_hour, spans.starts_at), spans.ends_at) as {{ text }}),
        cast(least(bill.end_hour, spans.ends_at) as {{ text }})
    ) as ingredient
from spans
inner join bill on spans.starts_at < bill.end_hour
