-- How much goes into each stage on a day, and how much comes out: rows, and dollars where there are
-- any. A day is that of the usage; charges for a whole month, which all stand on one day, are left
-- out.
{{ config(
    materialized='incremental',
    unique_key='usage_month',
    partition_by=spark_only('usage_month'),
    schema='intermediate'
) }}

with

priced as (
    select * from {{ ref('int_charges_priced') }}
    where {{ in_hours('usage_hour') }} and not is_period_charge
),

charges as (
    select * from {{ ref('int_charges_by_pool') }}
    where {{ in_hours('usage_hour') }} and not is_period_charge
),

spend as (
    select * from {{ ref('enriched_spend') }}
    where {{ in_hours('usage_hour') }} and not is_period_charge
),

pod_hours as (
    select * from {{ ref('int_pod_hours') }}
    where {{ in_month('usage_month') }}
),

published as (
    select usage_hour from {{ ref('stg_platforms__usage') }}
    where {{ in_hours('usage_hour') }}
    union all
    select usage_hour from {{ ref('stg_platforms__schedules') }}
    where {{ in_hours('usage_hour') }}
),

sub_platform_hours as (
    select * from {{ ref('int_sub_platform_hours') }}
    where {{ in_month('usage_month') }}
),

schedules as (
    select
        schedules.usage_hour,
        sub_platform_hours.schedule_source
    from {{ ref('int_schedules') }} as schedules
    inner join sub_platform_hours
        on
            schedules.usage_hour = sub_platform_hours.usage_hour
            and schedules.platform = sub_platform_hours.platform
            and schedules.sub_platform = sub_platform_hours.sub_platform
    where
        {{ in_month('schedules.usage_month') }}
        and schedules.interval_hours = 1
        and schedules.is_served
),

{#- Every amount is cast: a union would take decimal places from some of them. -#}
{% set amount = 'decimal(38, 20)' %}
{% set no_amount = 'cast(null as ' ~ amount ~ ')' %}
{% set flows = [
    ('bill', true, 'line_count', 'unblended_cost', 'priced'),
    ('bill', false, '1', 'net_amortized_cost', 'priced'),
    ('true_cost', true, '1', 'net_amortized_cost', 'priced'),
    ('true_cost', false, '1', 'true_cost', 'charges'),
    ('enriched_spend', true, '1', 'true_cost', 'charges'),
    ('enriched_spend', false, '1', 'spend', 'spend'),
    ('kubernetes', true, '1', no_amount, 'pod_hours'),
    ('published', true, '1', no_amount, 'published'),
] %}

flows as (
    {%- for stage, is_in, counted_rows, amount_of_row, relation in flows %}
        select
            '{{ stage }}' as stage,
            {{ is_in }} as is_in,
            usage_hour,
            {{ counted_rows }} as counted_rows,
            cast({{ amount_of_row }} as {{ amount }}) as amount
        from {{ relation }}
        union all
    {%- endfor %}
    select
        case when schedule_source = 'kubernetes' then 'kubernetes' else 'published' end as stage,
        false as is_in,
        usage_hour,
        1 as counted_rows,
        {{ no_amount }} as amount
    from schedules
)

select
    -- when
    {{ month_of('usage_hour') }} as usage_month,
    cast(usage_hour as date) as usage_date,

    -- where
    stage,

    -- how much
    cast(sum(case when is_in then counted_rows else 0 end) as bigint) as rows_in,
    cast(sum(case when is_in then 0 else counted_rows end) as bigint) as rows_out,
    cast(sum(case when is_in then amount end) as {{ amount }}) as spend_in,
    cast(sum(case when not is_in then amount end) as {{ amount }}) as spend_out
from flows
group by {{ month_of('usage_hour') }}, cast(usage_hour as date), stage
