-- The rows, and dollars where there are any, that enter and leave each stage per day. The day is
-- that of the usage; charges for a whole month, which are all billed on one day, are left out, and
-- so are fees for days to come.
{{ config(
    materialized='incremental',
    unique_key='usage_month',
    partition_by=spark_only('usage_month'),
    schema='intermediate'
) }}

{% set amount = 'decimal(38, 20)' %}

with

billed as (
    select * from {{ ref('charges') }}
    where
        {{ in_hours('usage_hour') }}
        and not is_period_charge
        and charge_class not in ('commitment_to_come', 'amortized_prepayment')
),

-- Each table is read once and summed by day.
priced as (
    select
        cast(usage_hour as date) as usage_date,
        min(interval_hours) as interval_hours,
        sum(line_count) as counted_lines,
        count(*) as counted_rows,
        cast(sum(unblended_cost) as {{ amount }}) as unblended_cost,
        cast(sum(net_amortized_cost) as {{ amount }}) as net_amortized_cost
    from billed
    group by cast(usage_hour as date)
),

charges as (
    select
        cast(usage_hour as date) as usage_date,
        min(interval_hours) as interval_hours,
        count(*) as counted_rows,
        cast(sum(true_cost) as {{ amount }}) as true_cost
    from {{ ref('int_platform_charges') }}
    where {{ in_hours('usage_hour') }} and not is_period_charge
    group by cast(usage_hour as date)
),

spend as (
    select
        cast(usage_hour as date) as usage_date,
        min(interval_hours) as interval_hours,
        count(*) as counted_rows,
        cast(sum(spend) as {{ amount }}) as spend
    from {{ ref('enriched_spend') }}
    where {{ in_hours('usage_hour') }} and not is_period_charge
    group by cast(usage_hour as date)
),

pod_hours as (
    select
        cast(usage_hour as date) as usage_date,
        1 as interval_hours,
        count(*) as counted_rows
    from {{ ref('int_pod_hours') }}
    where {{ in_month('usage_month') }}
    group by cast(usage_hour as date)
),

published_hours as (
    select usage_hour from {{ ref('stg_platforms__usage') }}
    where {{ in_hours('usage_hour') }}
    union all
    select usage_hour from {{ ref('stg_platforms__schedules') }}
    where {{ in_hours('usage_hour') }}
),

published as (
    select
        cast(usage_hour as date) as usage_date,
        1 as interval_hours,
        count(*) as counted_rows
    from published_hours
    group by cast(usage_hour as date)
),

sub_platform_hours as (
    select * from {{ ref('int_schedule_calendar') }}
    where {{ in_month('usage_month') }}
),

schedules as (
    select
        cast(schedules.usage_hour as date) as usage_date,
        case
            when sub_platform_hours.schedule_source = 'kubernetes' then 'kubernetes'
            else 'published'
        end as stage,
        count(*) as counted_rows
    from {{ ref('int_schedules') }} as schedules
    inner join sub_platform_hours
        on
            schedules.usage_hour = sub_platform_hours.usage_hour
            and schedules.platform = sub_platform_hours.platform
            and schedules.sub_platform = sub_platform_hours.sub_platform
    where
        {{ in_month('schedules.usage_month') }} and schedules.is_served
    group by
        cast(schedules.usage_hour as date),
        case
            when sub_platform_hours.schedule_source = 'kubernetes' then 'kubernetes'
            else 'published'
        end
),

{% set flows = [
    ('bill', 'in', 'counted_lines', 'unblended_cost', 'priced'),
    ('bill', 'out', 'counted_rows', 'net_amortized_cost', 'priced'),
    ('true_cost', 'in', 'counted_rows', 'net_amortized_cost', 'priced'),
    ('true_cost', 'out', 'counted_rows', 'true_cost', 'charges'),
    ('enriched_spend', 'in', 'counted_rows', 'true_cost', 'charges'),
    ('enriched_spend', 'out', 'counted_rows', 'spend', 'spend'),
    ('kubernetes', 'in', 'counted_rows', 'null', 'pod_hours'),
    ('published', 'in', 'counted_rows', 'null', 'published'),
] %}

flows as (
    {%- for stage, way, counted, amount_of_day, relation in flows %}
        select
            usage_date,
            '{{ stage }}' as stage,
            '{{ way }}' as way,
            interval_hours,
            {{ counted }} as counted_rows,
            cast({{ amount_of_day }} as {{ amount }}) as amount
        from {{ relation }}
        union all
    {%- endfor %}
    select
        usage_date,
        stage,
        'out' as way,
        1 as interval_hours,
        counted_rows,
        cast(null as {{ amount }}) as amount
    from schedules
)

select
    -- when
    usage_date,
    {{ month_of('usage_date') }} as usage_month,
    cast(max(interval_hours) as bigint) as interval_hours,

    -- how much
    cast(sum(case when way = 'in' then amount end) as {{ amount }}) as spend_in,
    cast(sum(case when way = 'out' then amount end) as {{ amount }}) as spend_out,
    cast(sum(case when way = 'in' then counted_rows else 0 end) as bigint) as rows_in,
    cast(sum(case when way = 'out' then counted_rows else 0 end) as bigint) as rows_out,

    -- where
    stage
from flows
group by usage_date, stage
