{#- Whether an owner has a label in the last hour of usage on the bill; without usage, the last one. -#}
{% macro is_current_owner(owners, last_hour) -%}
    coalesce(
        {{ last_hour }} >= {{ owners }}.owned_from and {{ last_hour }} < {{ owners }}.owned_until,
        {{ owners }}.owned_until = {{ end_of_time() }}
    )
{%- endmacro %}
