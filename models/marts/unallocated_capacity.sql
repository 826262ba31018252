-- The capacity that platforms offered and nobody requested or used: the talk's unallocated
-- capacity, in dollars, of all spend that they split at any level, before it is reallocated to
-- anybody. Beside it the nodes of clusters: how many whole ones were free all day.
{{ config(
    materialized='incremental', unique_key='usage_month', partition_by=spark_only('usage_month')
) }}

{% set of_capacity = requested_resources().keys() | list + ['max', 'weighted'] %}

with

charges as (
    select * from {{ ref('int_platform_charges') }}
    where {{ in_hours('usage_hour') }} and platform is not null
),

throughput as (
    select * from {{ ref('int_platform_throughput') }}
    where {{ in_month('usage_month') }}
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
    where schedule_source = 'kubernetes'
),

node_hours as (
    select * from {{ ref('stg_kubernetes__node_hours') }}
    where {{ in_hours('usage_hour') }}
),

nodes as (
    select
        node_hours.usage_hour,
        platforms.platform,
        platforms.sub_platform,
        platforms.cost_model,
        {{ kubernetes_pool('node_hours') }} as capacity_pool,
        count(*) as node_count
    from node_hours
    inner join platforms
        on
            node_hours.cluster = platforms.sub_platform
            and node_hours.usage_hour >= platforms.valid_from
            and node_hours.usage_hour < platforms.valid_until
    group by
        node_hours.usage_hour,
        platforms.platform,
        platforms.sub_platform,
        platforms.cost_model,
        {{ kubernetes_pool('node_hours') }}
),

-- What is not known has no row here.
free_hours as (
    select
        usage_hour,
        platform,
        sub_platform,
        cost_model,
        capacity_pool,
        sum(case when lyft_label = 'free' then proportion else 0 end) as proportion
    from {{ ref('int_schedules') }}
    where
        {{ in_month('usage_month') }}
        and is_measured
        and basis <> 'unattributed'
        and cost_model in (
            {% for cost_model in of_capacity %}
                '{{ cost_model }}'{{ ',' if not loop.last }}
            {% endfor %}
        )
    group by usage_hour, platform, sub_platform, cost_model, capacity_pool
),

whole_nodes as (
    select
        cast(nodes.usage_hour as date) as usage_date,
        nodes.platform,
        nodes.sub_platform,
        nodes.capacity_pool,
        min(nodes.node_count) as fewest_nodes,
        case
            when count(*) = count(free_hours.proportion)
                then min(floor(nodes.node_count * free_hours.proportion))
        end as fewest_free_nodes
    from nodes
    left join free_hours
        on
            nodes.usage_hour = free_hours.usage_hour
            and nodes.platform = free_hours.platform
            and nodes.sub_platform = free_hours.sub_platform
            and nodes.cost_model = free_hours.cost_model
            and nodes.capacity_pool = free_hours.capacity_pool
    group by
        cast(nodes.usage_hour as date),
        nodes.platform,
        nodes.sub_platform,
        nodes.capacity_pool
),

passed as (
    select
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        true_cost as spend,
        true_cost as first_spend,
        cast(0 as decimal(11, 10)) as free_spend
    from charges
    union all
    select
        charges.usage_hour,
        throughput.last_platform as platform,
        throughput.last_sub_platform as sub_platform,
        throughput.last_capacity_pool as capacity_pool,
        charges.true_cost * throughput.proportion as spend,
        cast(0 as decimal(25, 10)) as first_spend,
        charges.true_cost * throughput.free_proportion as free_spend
    from charges
    inner join throughput
        on
            charges.usage_hour = throughput.usage_hour
            and charges.interval_hours = throughput.interval_hours
            and charges.platform = throughput.platform
            and charges.sub_platform = throughput.sub_platform
            and charges.capacity_pool = throughput.capacity_pool
            and charges.cost_model = throughput.cost_model
),

spend as (
    select
        cast(usage_hour as date) as usage_date,
        platform,
        sub_platform,
        capacity_pool,
        sum(spend) as spend,
        sum(first_spend) as first_spend,
        sum(free_spend) as free_spend
    from passed
    group by cast(usage_hour as date), platform, sub_platform, capacity_pool
)

select
    -- when
    spend.usage_date,
    {{ month_of('spend.usage_date') }} as usage_month,

    -- what it cost
    cast(spend.spend as decimal(38, 20)) as spend,
    cast(spend.first_spend as decimal(38, 20)) as first_spend,
    cast(spend.free_spend as decimal(38, 20)) as free_spend,
    case
        when
            cast(spend.spend as decimal(25, 10)) > 0
            and spend.free_spend between 0 and spend.spend
            then {{ part_of(
                'cast(spend.free_spend as decimal(25, 10))', 'cast(spend.spend as decimal(25, 10))'
            ) }}
    end as free_share,

    -- how many nodes that is
    cast(whole_nodes.fewest_nodes as bigint) as fewest_nodes,
    cast(whole_nodes.fewest_free_nodes as bigint) as fewest_free_nodes,

    -- which capacity
    spend.platform,
    spend.sub_platform,
    spend.capacity_pool
from spend
left join whole_nodes
    on
        spend.usage_date = whole_nodes.usage_date
        and spend.platform = whole_nodes.platform
        and spend.sub_platform = whole_nodes.sub_platform
        and spend.capacity_pool = whole_nodes.capacity_pool
