{#- Equal rows have equal hashes: only rows that share one are compared. -#}
{% test one_row_per(model, columns, nullable=[], carries=false) %}

{%- if carries -%}
    {%- set carried = carried_columns(of_marts=carries == 'to_marts') -%}
    {%- set columns = columns + carried -%}
    {%- set nullable = nullable + carried -%}
{%- endif -%}

{%- set required = columns | reject('in', nullable) | list %}

with

suspects as (
    select {{ hash_of(columns) }} as row_hash
    from {{ model }}
    group by {{ hash_of(columns) }}
    having count(*) > 1
),

suspected as (
    select
        {%- for column in columns %}
        looked_at.{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ model }} as looked_at
    inner join suspects on {{ hash_of(columns) }} = suspects.row_hash
)

select
    {{ columns | join(',\n    ') }},
    count(*) as row_count
from suspected
group by {{ columns | join(', ') }}
having count(*) > 1
{%- if required %}
union all
select
    {{ columns | join(',\n    ') }},
    1 as row_count
from {{ model }}
where {{ required | join(' is null or ') }} is null
{%- endif %}

{% endtest %}
