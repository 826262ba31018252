{#-
    Common table expression of a chart about charges for a whole month: `shown_month` has the newest complete
    billing period of daily_spend, or the only one that there is.
-#}
{% macro month_of_charges() -%}
shown_month as (
    select coalesce(max(case when is_complete then billing_period end), max(billing_period))
        as billing_period
    from {{ ref('monthly_spend') }}
)
{%- endmacro %}
