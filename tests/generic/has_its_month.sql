{#- Of a part of the project that was built without its months, nothing can be told: see `rebuilt`. -#}
{% test has_its_month(model, column_name, months) %}

{%- set node = models_of_project().get(months.identifier) if execute else none %}
{%- set are_known = flags.WHICH != 'build' or not node or node.unique_id in selected_resources %}

with

hours as (
    select
        date_trunc('month', {{ column_name }}) as starts_at,
        min({{ column_name }}) as first_hour
    from {{ model }}
    group by date_trunc('month', {{ column_name }})
),

months as (
    select cast(concat(period, '-01') as timestamp) as starts_at
    from {{ months }}
    where fingerprint is not null
)

select
    substr(cast(hours.starts_at as {{ dbt.type_string() }}), 1, 7) as missing_month,
    hours.first_hour
from hours
left join months on hours.starts_at = months.starts_at
where months.starts_at is null{{ '' if are_known else ' and false' }}

{% endtest %}
