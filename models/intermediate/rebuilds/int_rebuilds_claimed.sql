-- Which billing periods' charges have to be given to platforms anew: those that were charged anew,
-- those in which a platform or what belongs to it changed, and, where a platform is pooled by
-- node, those of which the nodes changed.
{{ rebuilds_of('claimed') }}

with

periods as (
    select
        billing_period as period,
        min(first_hour) as first_hour,
        max(end_hour) as end_hour
    from {{ ref('int_period_months') }}
    group by billing_period
),

months as (
    select
        billing_period as period,
        usage_month
    from {{ ref('int_period_months') }}
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
),

resources as (
    select * from {{ ref('stg_seeds__platform_resources') }}
),

pooled_by_node as (
    select count(*) as platform_count
    from platforms
    where pool_by = 'node'
),

ingredients as (
    select
        period,
        concat('charged ', fingerprint) as ingredient
    from {{ ref('int_rebuilds_charged') }}
    where fingerprint is not null
    union all
    select
        periods.period,
        concat_ws(
            ' | ',
            'platform',
            platforms.platform,
            platforms.sub_platform,
            platforms.schedule_source,
            platforms.cost_model,
            platforms.pool_by,
            cast(greatest(platforms.valid_from, periods.first_hour) as {{ dbt.type_string() }}),
            cast(least(platforms.valid_until, periods.end_hour) as {{ dbt.type_string() }})
        ) as ingredient
    from periods
    inner join platforms
        on
            periods.end_hour > platforms.valid_from
            and periods.first_hour < platforms.valid_until
    union all
    select
        periods.period,
        concat_ws(
            ' | ',
            'resource',
            resources.platform,
            resources.sub_platform,
            coalesce(resources.lyft_label, ''),
            coalesce(resources.product, ''),
            coalesce(resources.usage_type, ''),
            coalesce(resources.cost_model, ''),
            cast(greatest(resources.valid_from, periods.first_hour) as {{ dbt.type_string() }}),
            cast(least(resources.valid_until, periods.end_hour) as {{ dbt.type_string() }})
        ) as ingredient
    from periods
    inner join resources
        on
            periods.end_hour > resources.valid_from
            and periods.first_hour < resources.valid_until
    union all
    select
        months.period,
        concat('nodes ', weighed.fingerprint) as ingredient
    from months
    inner join {{ ref('int_rebuilds_weighed') }} as weighed on months.usage_month = weighed.period
    cross join pooled_by_node
    where pooled_by_node.platform_count > 0
),

{{ rebuilds('claimed') }}
