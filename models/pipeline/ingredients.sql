-- What every month is built from, one row each: the deliveries of its bill, the collections and
-- publications about its hours, and the rules, platforms and resources that are valid in it.
{{ config(materialized='table') }}

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

assembly_months as (
    select
        assembly_months.*,
        coalesce(deliveries.is_current, false) as is_current
    from {{ ref('stg_aws_cur__assembly_months') }} as assembly_months
    left join deliveries on assembly_months.assembly_id = deliveries.assembly_id
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

resources as (
    select * from {{ ref('stg_seeds__platform_resources') }}
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

-- An hour may fill gaps up to this many hours away.
reach as (
    select coalesce(max(greatest(interpolate_hours, carry_hours)), 0) as hours
    from platforms
),

collections as (
    select
        concat('collection ', collection_id) as ingredient,
        first_hour,
        {{ plus_hours('last_hour', 1) }} as end_hour,
        {{ plus_hours('last_hour', 1) }} as holds_until
    from {{ ref('stg_kubernetes__collections') }}
),

-- Fixed shares are valid until others are published, however long that takes.
publications as (
    select
        concat('delivery ', publications.delivery_id) as ingredient,
        publications.first_hour,
        {{ plus_hours('publications.last_hour', 1) }} as end_hour,
        max(
            case
                when platforms.cost_model = 'fixed' then {{ end_of_time() }}
                else {{ plus_hours('publications.last_hour', 1) }}
            end
        ) as holds_until
    from {{ ref('stg_platforms__deliveries') }} as publications
    left join platforms on publications.platform = platforms.platform
    group by publications.delivery_id, publications.first_hour, publications.last_hour
),

usage as (
    select * from collections
    union all
    select * from publications
),

-- Every day with usage, or for which usage is expected.
spans_of_days as (
    select
        date_trunc('day', first_hour) as first_day,
        end_hour
    from usage
    union distinct
    select
        date_trunc('day', first_hour) as first_day,
        end_hour
    from bill
    where end_hour is not null
    union distinct
    select
        date_trunc('day', greatest(platforms.expected_from, platforms.valid_from)) as first_day,
        bill.end_hour
    from platforms
    cross join bill
    where
        platforms.expected_from < bill.end_hour
        and platforms.valid_from < bill.end_hour
),

days as (
    select {{ hours_from('first_day', 'end_hour', 24) }} as usage_day
    from spans_of_days
),

known as (
    select {{ month_of('usage_day') }} as month
    from days
    union distinct
    select billing_period as month
    from deliveries
    union distinct
    select billing_period as month
    from statements
    union distinct
    select usage_month as month
    from bill_months
),

charge_spans as (
    select
        month,
        min(first_hour) as first_hour,
        max(end_hour) as end_hour
    from (
        select
            billing_period as month,
            first_hour,
            end_hour
        from bill_months
        union all
        select
            usage_month as month,
            first_hour,
            end_hour
        from bill_months
    ) as of_both
    group by month
),

-- The span of time that a month depends on: usage around it, and facts about its charges.
starts as (
    select
        month,
        cast(concat(month, '-01') as timestamp) as starts_at,
        cast(concat(month, '-01') as timestamp) + interval '1' month as ends_at
    from known
),

spans as (
    select
        starts.month,
        starts.starts_at,
        starts.ends_at,
        {{ plus_hours('starts.starts_at', '-reach.hours') }} as usage_from,
        {{ plus_hours(
            'greatest(starts.ends_at, coalesce(charge_spans.end_hour, starts.ends_at))', 'reach.hours'
        ) }} as usage_until,
        least(
            {{ plus_hours('starts.starts_at', '-reach.hours') }},
            coalesce(charge_spans.first_hour, starts.starts_at)
        ) as facts_from
    from starts
    cross join reach
    left join charge_spans on starts.month = charge_spans.month
),

-- Discounts on what was paid upfront are passed on to the usage of later months.
purchases as (
    select distinct
        later.billing_period as month,
        purchases.assembly_id
    from assembly_months as later
    inner join assembly_months as purchases
        on later.payer_account_id = purchases.payer_account_id
    where
        later.is_current
        and purchases.is_current
        and purchases.has_prepayments
        and later.assembly_id <> purchases.assembly_id
        and later.billing_period in (
            select discounted.billing_period
            from assembly_months as discounted
            where discounted.has_discounts and discounted.is_current
        )
        and later.has_commitments
),

payers as (
    select distinct
        billing_period,
        payer_account_id
    from assembly_months
    where is_current
),

refunds as (
    select distinct
        commitments.billing_period,
        commitments.payer_account_id,
        commitments.commitment_id
    from {{ ref('stg_aws_cur__commitments') }} as commitments
    inner join deliveries on commitments.assembly_id = deliveries.assembly_id
    where deliveries.is_current and commitments.refunded_cost <> 0
),

bill_ingredients as (
    select
        billing_period as month,
        concat_ws(
            ' | ',
            'assembly',
            assembly_id,
            report,
            cast(manifest_time as {{ dbt.type_string() }}),
            cast(landed_at as {{ dbt.type_string() }}),
            cast(is_current as {{ dbt.type_string() }})
        ) as ingredient
    from deliveries
    union all
    select
        billing_period as month,
        concat_ws(
            ' | ',
            'statement',
            statement_id,
            cast(delivered_at as {{ dbt.type_string() }}),
            cast(landed_at as {{ dbt.type_string() }}),
            cast(is_current as {{ dbt.type_string() }})
        ) as ingredient
    from statements
    union all
    select
        billing_period as month,
        concat_ws(' | ', 'closed', payer_account_id, assembly_id) as ingredient
    from {{ ref('stg_seeds__closed_periods') }}
    union all
    select
        billing_period as month,
        concat_ws(
            ' | ',
            'invoice',
            payer_account_id,
            invoice_id,
            cast(invoice_cost as {{ dbt.type_string() }})
        ) as ingredient
    from {{ ref('stg_seeds__invoice_totals') }}
    union all
    select
        month,
        concat('purchase ', assembly_id) as ingredient
    from purchases
    union all
    -- Usage on a later bill shows that the hours of this one are over.
    select
        billing_period as month,
        concat_ws(
            ' | ', 'to come', payer_account_id, cast(to_come_from as {{ dbt.type_string() }})
        ) as ingredient
    from {{ ref('int_hours_to_come') }}
    union all
    -- Prepayments that AWS does not amortize are spread over the bills of other months.
    select
        payers.billing_period as month,
        concat_ws(
            ' | ',
            'unamortized',
            prepayments.reservation_id,
            prepayments.assembly_id,
            cast(prepayments.prepaid_cost as {{ dbt.type_string() }}),
            cast(prepayments.is_awaited as {{ dbt.type_string() }}),
            cast(prepayments.term_from as {{ dbt.type_string() }}),
            cast(prepayments.term_until as {{ dbt.type_string() }})
        ) as ingredient
    from {{ ref('int_unamortized_prepayments') }} as prepayments
    inner join payers on prepayments.payer_account_id = payers.payer_account_id
    union all
    -- A refund is recognised by a prepayment on another bill.
    select
        refunds.billing_period as month,
        concat_ws(
            ' | ',
            'prepaid',
            prepaid_amounts.commitment_id,
            cast(prepaid_amounts.prepaid_cost as {{ dbt.type_string() }})
        ) as ingredient
    from refunds
    inner join {{ ref('int_prepaid_amounts') }} as prepaid_amounts
        on
            refunds.payer_account_id = prepaid_amounts.payer_account_id
            and refunds.commitment_id = prepaid_amounts.commitment_id
),

usage_ingredients as (
    select
        spans.month,
        usage.ingredient
    from spans
    inner join usage
        on
            spans.usage_until > usage.first_hour
            and spans.usage_from < usage.holds_until
),

-- Where free capacity was ever spread, there are two schedules.
spreaders as (
    select
        platform,
        sub_platform,
        max(case when free_policy = 'spread' then 'spread' else '' end) as ever_spread
    from platforms
    group by platform, sub_platform
),

cost_models as (
    select distinct
        platform,
        sub_platform,
        schedule_source,
        cost_model
    from {{ ref('int_platform_cost_models') }}
),

facts as (
    select
        concat_ws(
            ' | ',
            'rule',
            cast(rule_order as {{ dbt.type_string() }}),
            match_on,
            coalesce(match_key, ''),
            match_type,
            coalesce(match_value, ''),
            lyft_label
        ) as fact,
        valid_from,
        valid_until
    from rules
    union all
    select
        concat_ws(
            ' | ',
            'platform',
            platform,
            sub_platform,
            schedule_source,
            cost_model,
            allocation_base,
            pool_by,
            free_policy,
            cast(min_coverage as {{ dbt.type_string() }}),
            cast(interpolate_hours as {{ dbt.type_string() }}),
            cast(carry_hours as {{ dbt.type_string() }}),
            coalesce(cast(expected_from as {{ dbt.type_string() }}), ''),
            coalesce(cast(expected_until as {{ dbt.type_string() }}), '')
        ) as fact,
        valid_from,
        valid_until
    from platforms
    union all
    -- The last fixed shares that an owner published may be from long before.
    select
        concat_ws(
            ' | ',
            'fixed',
            platform,
            sub_platform,
            schedule_source,
            cast(valid_from as {{ dbt.type_string() }}),
            cast(valid_until as {{ dbt.type_string() }})
        ) as fact,
        valid_from,
        {{ end_of_time() }} as valid_until
    from platforms
    where cost_model = 'fixed'
    union all
    select
        concat_ws(
            ' | ',
            'cost model',
            platforms.platform,
            platforms.sub_platform,
            cost_models.schedule_source,
            cost_models.cost_model,
            spreaders.ever_spread
        ) as fact,
        platforms.valid_from,
        platforms.valid_until
    from platforms
    inner join cost_models
        on
            platforms.platform = cost_models.platform
            and platforms.sub_platform = cost_models.sub_platform
    inner join spreaders
        on
            platforms.platform = spreaders.platform
            and platforms.sub_platform = spreaders.sub_platform
    union all
    select
        concat_ws(
            ' | ',
            'resource',
            platform,
            sub_platform,
            coalesce(lyft_label, ''),
            coalesce(product, ''),
            coalesce(usage_type, ''),
            coalesce(cost_model, '')
        ) as fact,
        valid_from,
        valid_until
    from resources
    union all
    select
        concat_ws(' | ', 'sharing', account_id, sharing_group) as fact,
        valid_from,
        valid_until
    from {{ ref('stg_seeds__discount_sharing') }}
    union all
    select
        concat('owner of ', lyft_label) as fact,
        changed_at as valid_from,
        {{ plus_hours('changed_at', 1) }} as valid_until
    from {{ ref('int_owner_changes') }}
),

fact_ingredients as (
    select
        spans.month,
        concat_ws(
            ' | ',
            facts.fact,
            cast(greatest(facts.valid_from, spans.facts_from) as {{ dbt.type_string() }}),
            cast(least(facts.valid_until, spans.usage_until) as {{ dbt.type_string() }})
        ) as ingredient
    from spans
    inner join facts
        on
            spans.usage_until > facts.valid_from
            and spans.facts_from < facts.valid_until
    union all
    -- A bill keeps the ids of the resources that a rule matches, also from before the rule is
    -- valid.
    select
        spans.month,
        concat_ws(
            ' | ',
            'resource id',
            rules.match_type,
            coalesce(rules.match_value, ''),
            cast(rules.valid_from as {{ dbt.type_string() }})
        ) as ingredient
    from spans
    inner join rules on spans.starts_at + interval '32' day > rules.valid_from
    where rules.match_on = 'resource_id'
    union all
    -- The hours that a month should have.
    select
        spans.month,
        concat_ws(
            ' | ',
            'expected',
            cast(
                least(greatest(bill.first_hour, spans.starts_at), spans.ends_at)
                as {{ dbt.type_string() }}
            ),
            cast(least(bill.end_hour, spans.ends_at) as {{ dbt.type_string() }})
        ) as ingredient
    from spans
    inner join bill on spans.starts_at < bill.end_hour
)

select
    month,
    'known' as kind,
    month as ingredient
from known
union all
select
    month,
    'bill' as kind,
    ingredient
from bill_ingredients
union all
select
    month,
    'usage' as kind,
    ingredient
from usage_ingredients
union all
select
    month,
    'facts' as kind,
    ingredient
from fact_ingredients
