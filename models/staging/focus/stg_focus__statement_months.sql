-- Which months of usage every statement has charges for, and from when until when: looked up once,
-- when the statement is new, and kept after its charges are pruned. So the months that have to be
-- refreshed are known before any charge is read.
{{ config(materialized='incremental', incremental_strategy='append') }}

with

statements as (
    select
        statements.statement_id,
        statements.billing_period
    from {{ source('focus', 'statements') }} as statements
    inner join {{ source('focus', '_dlt_loads') }} as loads
        on statements._dlt_load_id = loads.load_id
    where loads.status = 0
    {% if is_incremental() %}
        and statements.statement_id not in (select known.statement_id from {{ this }} as known)
    {% endif %}
),

charges as (
    select
        statements.statement_id,
        statements.billing_period,
        charges.charge_category,
        date_trunc('hour', charges.charge_period_start) as usage_hour,
        charges.charge_period_end
    from {{ source('focus', 'charges') }} as charges
    inner join statements on charges._statement_id = statements.statement_id
),

intervals as (
    select
        *,
        greatest({{ hours_between('usage_hour', 'charge_period_end') }}, 1) as interval_hours
    from charges
),

line_items as (
    select
        *,
        {{ plus_hours('usage_hour', 'interval_hours') }} as ends_at,
        charge_category = 'Usage' and interval_hours <= 24 as opens_calendar
    from intervals
)

select
    -- ids
    statement_id,
    billing_period,

    -- which month
    {{ month_of('usage_hour') }} as usage_month,

    -- when
    min(usage_hour) as first_hour,
    max(usage_hour) as last_hour,
    max(ends_at) as end_hour,
    min(case when opens_calendar then usage_hour end) as usage_first_hour,
    max(case when opens_calendar then ends_at end) as usage_end_hour,
    max(case when charge_category = 'Usage' then usage_hour end) as usage_last_hour
from line_items
group by statement_id, billing_period, {{ month_of('usage_hour') }}
