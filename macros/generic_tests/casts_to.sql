{% test casts_to(model, column_name, type) %}

select *
from {{ model }}
where {{ column_name }} is not null and try_cast({{ column_name }} as {{ type }}) is null

{% endtest %}
