{#-
    Common table expression of a chart about the bill of one month: `shown_month` has the newest billing period
    but one of a mart, which has ended, or the only one.
-#}
{% macro month_of_bills(mart) -%}
months as (
    select
        billing_period,
        row_number() over (order by billing_period desc) as place,
        count(*) over () as month_count
    from {{ ref(mart) }}
    group by billing_period
),

shown_month as (
    select billing_period
    from months
    where place = least(2, month_count)
)
{%- endmacro %}
