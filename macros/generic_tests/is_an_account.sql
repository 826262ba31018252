{% test is_an_account(model, column_name) %}

select *
from {{ model }}
where length({{ column_name }}) <> 12 or translate({{ column_name }}, '0123456789', '') <> ''

{% endtest %}
