{% test sums_to(model, column, total, by) %}

select
    {{ by | join(',\n    ') }},
    sum({{ column }}) as amount
from {{ model }}
group by {{ by | join(', ') }}
having
    sum({{ column }}) is distinct from {{ total }}
    or count(*) <> count({{ column }})

{% endtest %}
