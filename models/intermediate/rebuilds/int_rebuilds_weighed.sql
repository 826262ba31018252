-- Which months' usage has to be weighed anew: those that a new collection or delivery speaks of,
-- those whose hours should now begin or end elsewhere, and those in which a platform or a label
-- rule for namespaces changed. A good hour lends its weights to its neighbours, so that a month
-- depends on the hours around it too.
{{ rebuilds_of('weighed') }}

with

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

cost_models as (
    select distinct
        platform,
        sub_platform,
        schedule_source,
        cost_model
    from {{ ref('int_platform_cost_models') }}
),

-- Where free capacity was ever spread, there are two sets of weights in every month.
spreaders as (
    select
        platform,
        sub_platform,
        max(case when free_policy = 'spread' then 'spread' else '' end) as ever_spread
    from platforms
    group by platform, sub_platform
),

rules as (
    select * from {{ ref('stg_seeds__label_rules') }}
    where match_on in ('namespace', 'pod_label')
),

bill as (
    select
        min(usage_first_hour) as first_hour,
        max(usage_end_hour) as end_hour
    from {{ ref('int_period_months') }}
    where usage_month = billing_period
),

lending as (
    select coalesce(max(greatest(interpolate_hours, carry_hours)), 0) as hours
    from platforms
),

collections as (
    select
        concat('collection ', collection_id) as ingredient,
        first_hour,
        {{ plus_hours('last_hour', 1) }} as end_hour,
        {{ plus_hours('last_hour', 1) }} as heard_until
    from {{ ref('stg_kubernetes__collections') }}
),

-- Fixed shares hold until others are published, however long that takes. What nobody declared as a
-- platform yet splits nothing, and has its months all the same.
deliveries as (
    select
        concat('delivery ', deliveries.delivery_id) as ingredient,
        deliveries.first_hour,
        {{ plus_hours('deliveries.last_hour', 1) }} as end_hour,
        max(
            case
                when platforms.cost_model = 'fixed' then {{ end_of_time() }}
                else {{ plus_hours('deliveries.last_hour', 1) }}
            end
        ) as heard_until
    from {{ ref('stg_platforms__deliveries') }} as deliveries
    left join platforms on deliveries.platform = platforms.platform
    group by deliveries.delivery_id, deliveries.first_hour, deliveries.last_hour
),

usage as (
    select * from collections
    union all
    select * from deliveries
),

-- From the first hour that anything is known or expected of to the last.
bounds as (
    select
        first_hour,
        end_hour
    from usage
    union all
    select
        first_hour,
        end_hour
    from bill
    where end_hour is not null
    union all
    select
        greatest(platforms.expected_from, platforms.valid_from) as first_hour,
        bill.end_hour
    from platforms
    cross join bill
    where
        platforms.expected_from < bill.end_hour
        and platforms.valid_from < bill.end_hour
),

days as (
    select
        {{ hours_from("date_trunc('month', first_hour)", 'end_hour', 24) }} as usage_day
    from (
        select
            min(first_hour) as first_hour,
            max(end_hour) as end_hour
        from bounds
    ) as widest
    where end_hour is not null
),

calendar as (
    select
        substr(cast(usage_day as {{ dbt.type_string() }}), 1, 7) as period,
        min(usage_day) as starts_at,
        date_trunc('month', {{ plus_hours('min(usage_day)', 32 * 24) }}) as ends_at
    from days
    group by substr(cast(usage_day as {{ dbt.type_string() }}), 1, 7)
),

months as (
    select
        calendar.period,
        calendar.starts_at,
        calendar.ends_at,
        {{ plus_hours('calendar.starts_at', '-lending.hours') }} as needed_from,
        {{ plus_hours('calendar.ends_at', 'lending.hours') }} as needed_until
    from calendar
    cross join lending
),

spans as (
    select
        ingredient,
        first_hour as valid_from,
        heard_until as valid_until
    from usage
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
        ) as ingredient,
        valid_from,
        valid_until
    from platforms
    union all
    -- The last shares that an owner of fixed ones published may be from long before.
    select
        concat_ws(
            ' | ',
            'fixed',
            platform,
            sub_platform,
            schedule_source,
            cast(valid_from as {{ dbt.type_string() }}),
            cast(valid_until as {{ dbt.type_string() }})
        ) as ingredient,
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
        ) as ingredient,
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
            'rule',
            cast(rule_order as {{ dbt.type_string() }}),
            match_on,
            coalesce(match_key, ''),
            match_type,
            coalesce(match_value, ''),
            lyft_label
        ) as ingredient,
        valid_from,
        valid_until
    from rules
),

ingredients as (
    select
        months.period,
        concat_ws(
            ' | ',
            spans.ingredient,
            cast(greatest(spans.valid_from, months.needed_from) as {{ dbt.type_string() }}),
            cast(least(spans.valid_until, months.needed_until) as {{ dbt.type_string() }})
        ) as ingredient
    from months
    inner join spans
        on
            months.needed_until > spans.valid_from
            and months.needed_from < spans.valid_until
    union all
    -- What hours a month should have concerns this month alone: they lend nothing. A platform may
    -- have hours from before the bill begins (`expected_from`), once there is a bill.
    select
        months.period,
        concat_ws(
            ' | ',
            'expected',
            cast(
                least(greatest(bill.first_hour, months.starts_at), months.ends_at)
                as {{ dbt.type_string() }}
            ),
            cast(least(bill.end_hour, months.ends_at) as {{ dbt.type_string() }})
        ) as ingredient
    from months
    inner join bill on months.starts_at < bill.end_hour
),

{{ rebuilds('weighed') }}
