{#- Both sides in one pass: keys that may be NULL are grouped alike, but joined slowly. -#}
{% test conserves(model, column, of, by, of_column=none, of_by=none, of_where=none, of_month=none) %}

with

amounts as (
    select
        {{ by | join(',\n        ') }},
        {{ column }} as amount_here,
        null as amount_there
    from {{ model }}
    union all
    select
        {{ (of_by or by) | join(',\n        ') }},
        null as amount_here,
        {{ of_column or column }} as amount_there
    from {{ refreshed(of, of_month) }}
    {%- if of_where %}
    where {{ of_where }}
    {%- endif %}
)

select
    {{ by | join(',\n    ') }},
    sum(amount_here) as amount_here,
    sum(amount_there) as amount_there
from amounts
group by {{ by | join(', ') }}
having sum(amount_here) is distinct from sum(amount_there)

{% endtest %}
