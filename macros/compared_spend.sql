{#-
    Common table expressions for charts that compare equal spans: `compared` has the spend of the last 28
    days, or of as many as `days` says, and of as many days before, by some columns of daily_spend. It
    leaves out charges for a whole month. What came before is NULL where the bill does not reach back so
    far.
-#}
{% macro compared_spend(columns, days=28) -%}
spend as (
    select * from {{ ref('daily_spend') }}
    where not is_period_charge
),

spans as (
    select
        max(usage_date) - {{ days - 1 }} as span_from,
        max(usage_date) - {{ 2 * days - 1 }} as previous_from,
        min(usage_date) <= max(usage_date) - {{ 2 * days - 1 }} as is_long_enough
    from spend
),

compared as (
    select
        {%- for column in columns %}
        spend.{{ column }},
        {%- endfor %}
        sum(case when spend.usage_date >= spans.span_from then spend.spend else 0 end) as spend,
        case
            when spans.is_long_enough
                then
                    sum(case when spend.usage_date < spans.span_from then spend.spend else 0 end)
        end as previous_spend
    from spend
    cross join spans
    where spend.usage_date >= spans.previous_from
    group by
        {%- for column in columns %}
        spend.{{ column }},
        {%- endfor %}
        spans.is_long_enough
)
{%- endmacro %}
