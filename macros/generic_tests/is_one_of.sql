{% test is_one_of(model, column_name, values) %}

select *
from {{ model }}
where {{ column_name }} not in ('{{ values | join("', '") }}')

{% endtest %}
