{% test conserves(model, column, of, by, of_column=none, of_by=none) %}

with

here as (
    select
        {{ by | join(',\n        ') }},
        sum({{ column }}) as amount
    from {{ model }}
    group by {{ by | join(', ') }}
),

there as (
    select
        {%- for column in by %}
        {{ (of_by or by)[loop.index0] }} as {{ column }},
        {%- endfor %}
        sum({{ of_column or column }}) as amount
    from {{ rebuilt(of) }}
    group by {{ (of_by or by) | join(', ') }}
)

select
    {%- for column in by %}
    coalesce(here.{{ column }}, there.{{ column }}) as {{ column }},
    {%- endfor %}
    here.amount as amount_here,
    there.amount as amount_there
from here
full outer join there
    on
        {%- for column in by %}
        {% if not loop.first %}and {% endif %}here.{{ column }} is not distinct from there.{{ column }}
        {%- endfor %}
where here.amount is distinct from there.amount

{% endtest %}
