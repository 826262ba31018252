{% test never_gaps(model, by, from, until) %}

with

spans as (
    select
        {{ by | join(',\n        ') }},
        {{ from }} as span_from,
        lag({{ until }}) over (partition by {{ by | join(', ') }} order by {{ from }}) as last_until
    from {{ model }}
)

select
    {{ by | join(',\n    ') }},
    last_until,
    span_from
from spans
where span_from > last_until

{% endtest %}
