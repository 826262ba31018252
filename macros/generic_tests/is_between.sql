{% test is_between(model, column_name, lowest, highest) %}

select {{ column_name }}
from {{ model }}
where {{ column_name }} is null or not ({{ column_name }} between {{ lowest }} and {{ highest }})

{% endtest %}
