{% test never_overlaps(model, by, from, until) %}

with

spans as (
    select
        {{ by | join(',\n        ') }},
        {{ from }} as span_from,
        {{ until }} as span_until,
        lag({{ until }}) over (partition by {{ by | join(', ') }} order by {{ from }}) as last_until
    from {{ model }}
)

select
    {{ by | join(',\n    ') }},
    span_from,
    span_until,
    last_until
from spans
where span_from < last_until or span_until <= span_from

{% endtest %}
