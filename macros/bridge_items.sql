{#-
    Common table expression: the names of a bridge's items, in their order. Joined with the relation that has
    them as columns, they make a row of each while that relation is read once: Spark would compute it again
    for every part of a union.
-#}
{% macro bridge_items(items) -%}
    items as (
        {%- for item in items %}
            select
                '{{ item }}' as bridge_item,
                cast({{ loop.index }} as int) as item_order
            {{ 'union all' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{#- The amount of the item that a row of `items` names, from the columns of a relation. -#}
{% macro amount_of_item(items, relation, type) -%}
    case items.bridge_item
        {%- for item in items %}
            when '{{ item }}' then cast({{ relation }}.{{ item }} as {{ type }})
        {%- endfor %}
    end
{%- endmacro %}
