{#-
    The steps of a bridge as rows, of a relation that has them as columns. The relation is read once: Spark
    would compute it again for every part of a union.
-#}
{% macro rows_of_steps(relation, keys, steps, type, columns=none) -%}
select
    {%- for key in keys %}
        {{ relation }}.{{ key }},
    {%- endfor %}
    steps.bridge_item,
    steps.item_order,
    case steps.bridge_item
        {%- for step in columns or steps %}
            when '{{ step }}' then cast({{ relation }}.{{ step }} as {{ type }})
        {%- endfor %}
    end as amount
from {{ relation }}
cross join (
    {%- for step in columns or steps %}
        select
            '{{ step }}' as bridge_item,
            cast({{ steps.index(step) + 1 }} as int) as item_order
        {{ 'union all' if not loop.last }}
    {%- endfor %}
) as steps
{%- endmacro %}
