-- Every label rule of the last month that was billed names something in it. One that names nothing
-- is a slip in a key or a value, is outranked by others, or is about something that is yet to come.
{{ config(severity='warn') }}

with

last_month as (
    select max(billing_period) as usage_month
    from {{ ref('int_label_matches') }}
),

named as (
    select
        billing_period as usage_month,
        label_rule
    from {{ ref('int_label_matches') }}
    union all
    select
        usage_month,
        label_rule
    from {{ ref('int_pod_labels') }}
),

rules as (
    select distinct
        label_rules.rule_order,
        label_rules.lyft_label
    from {{ ref('stg_seeds__label_rules') }} as label_rules
    cross join last_month
    where
        {{ month_of('label_rules.valid_from') }} <= last_month.usage_month
        -- The month of the last hour before.
        and {{ month_of(plus_hours('label_rules.valid_until', -1)) }} >= last_month.usage_month
)

select
    rules.rule_order,
    rules.lyft_label
from rules
cross join last_month
left join named
    on rules.rule_order = named.label_rule and last_month.usage_month = named.usage_month
where named.label_rule is null
