-- Which billing periods' spend has to be split anew: those whose charges were given to platforms
-- anew, and those that have charges for a month whose schedules were made anew.
{{ rebuilds_of('split') }}

with

months as (
    select
        billing_period,
        usage_month
    from {{ ref('int_period_months') }}
),

ingredients as (
    select
        period,
        concat('claimed ', fingerprint) as ingredient
    from {{ ref('int_rebuilds_claimed') }}
    where fingerprint is not null
    union all
    select
        months.billing_period as period,
        concat_ws(' | ', 'scheduled', scheduled.period, scheduled.fingerprint) as ingredient
    from months
    inner join {{ ref('int_rebuilds_scheduled') }} as scheduled
        on months.usage_month = scheduled.period
    where scheduled.fingerprint is not null
),

{{ rebuilds('split') }}
