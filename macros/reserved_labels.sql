{% macro reserved_labels() -%}
    ('free', 'unattributed', 'unlabeled', '_unused_ri', '_unused_sp', '_unallocated_discount')
{%- endmacro %}
