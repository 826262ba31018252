{#-
    Common table expressions for charts that compare equal spans: `compared` has the spend of the last 28
    complete days of the bill, or of as many as `days` says, and of as many days before, by some columns of
    daily_spend, and the change between them, also as a part of the earlier one. A day that is still open is in neither. Charges for a whole month are left out. The
    earlier span is NULL where the bill does not reach back so far.
-#}
{% macro compared_spend(columns, days=28) -%}
spans as (
    select coalesce(max(days_back), 0) >= {{ 2 * days }} as is_long_enough
    from {{ ref('time_spine') }}
),

both_spans as (
    select
        {%- for column in columns %}
        spend.{{ column }},
        {%- endfor %}
        sum(case when spine.days_back <= {{ days }} then spend.spend else 0 end) as spend,
        case
            when spans.is_long_enough
                then sum(case when spine.days_back > {{ days }} then spend.spend else 0 end)
        end as previous_spend
    from {{ ref('daily_spend') }} as spend
    inner join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
    cross join spans
    where spine.days_back <= {{ 2 * days }} and not spend.is_period_charge
    group by
        {%- for column in columns %}
        spend.{{ column }},
        {%- endfor %}
        spans.is_long_enough
),

compared as (
    select
        *,
        spend - previous_spend as spend_change,
        case
            when previous_spend > 0
                then cast((spend - previous_spend) / previous_spend as decimal(24, 10))
        end as percent_change
    from both_spans
)
{%- endmacro %}
