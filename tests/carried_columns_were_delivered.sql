-- A column that the marts carry (the variable `carry_columns`) is in some report: otherwise its
-- name is a slip, or it landed before the loader kept columns that CUR 2.0 does not know.
{{ config(severity='warn') }}

with

line_items as (
    select
        raw_lines._assembly_id,
        {{ carried_from('raw_lines') }}
        raw_lines._dlt_load_id
    from {{ source('aws_cur', 'line_items') }} as raw_lines
)

{% for column in carried_columns(of_marts=true) %}
    select '{{ column }}' as carried_column
    from line_items
    having coalesce(max({{ column }}), '') = ''
    {{ 'union all' if not loop.last }}
{% else %}
    select 'none' as carried_column
    from line_items
    where false
{% endfor %}
