{% test names_one_of(model, column_name, to, field) %}

select naming.*
from {{ model }} as naming
left join {{ to }} as named on naming.{{ column_name }} = named.{{ field }}
where naming.{{ column_name }} is not null and named.{{ field }} is null

{% endtest %}
