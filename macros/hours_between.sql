{% macro hours_between(start, stop) -%}
    {{ return(adapter.dispatch('hours_between')(start, stop)) }}
{%- endmacro %}

{% macro duckdb__hours_between(start, stop) -%}
    ((date_diff('second', {{ start }}, {{ stop }}) + 3599) // 3600)
{%- endmacro %}
