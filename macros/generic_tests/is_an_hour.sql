{% test is_an_hour(model, column_name) %}

select *
from {{ model }}
where
    {{ column_name }} is not null
    and (
        try_cast({{ column_name }} as timestamp) is null
        or date_trunc('hour', try_cast({{ column_name }} as timestamp))
        <> try_cast({{ column_name }} as timestamp)
    )

{% endtest %}
