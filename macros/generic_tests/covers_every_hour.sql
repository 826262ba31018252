{% test covers_every_hour(model, calendar, by) %}

select
    {%- for column in by %}
    calendar.{{ column }},
    {%- endfor %}
    calendar.usage_hour
from {{ refreshed(calendar) }} as calendar
left join (
    select distinct
        {{ by | join(',\n        ') }},
        usage_hour
    from {{ model }}
    where interval_hours = 1
) as covered
    on
        {%- for column in by %}
        calendar.{{ column }} = covered.{{ column }} and
        {%- endfor %}
        calendar.usage_hour = covered.usage_hour
where covered.usage_hour is null

{% endtest %}
