{#-
    Both sides in one pass: keys that may be NULL are grouped alike, but joined slowly. `column` is one
    amount or a list of them, and `of_column` as many.
-#}
{% test conserves(model, column, of, by, of_column=none, of_by=none, of_where=none, of_month=none) %}

{%- set columns = [column] if column is string else column -%}
{%- set of_columns = ([of_column] if of_column is string else of_column) or columns %}

with

amounts as (
    select
        {{ by | join(',\n        ') }},
        {%- for amount in columns %}
        {{ amount }} as amount_{{ loop.index }}_here,
        null as amount_{{ loop.index }}_there{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ model }}
    union all
    select
        {{ (of_by or by) | join(',\n        ') }},
        {%- for amount in of_columns %}
        null as amount_{{ loop.index }}_here,
        {{ amount }} as amount_{{ loop.index }}_there{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ refreshed(of, of_month) }}
    {%- if of_where %}
    where {{ of_where }}
    {%- endif %}
)

select
    {{ by | join(',\n    ') }},
    {%- for _ in columns %}
    sum(amount_{{ loop.index }}_here) as amount_{{ loop.index }}_here,
    sum(amount_{{ loop.index }}_there) as amount_{{ loop.index }}_there{{ ',' if not loop.last }}
    {%- endfor %}
from amounts
group by {{ by | join(', ') }}
having
    {%- for _ in columns %}
    {{ 'or ' if not loop.first }}sum(amount_{{ loop.index }}_here) is distinct from sum(amount_{{ loop.index }}_there)
    {%- endfor %}

{% endtest %}
