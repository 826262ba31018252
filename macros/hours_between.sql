{% macro hours_between(start, stop) -%}
    {{ return(adapter.dispatch('hours_between', 'infraspend')(start, stop)) }}
{%- endmacro %}

{% macro duckdb__hours_between(start, stop) -%}
    ((date_diff('second', {{ start }}, {{ stop }}) + 3599) // 3600)
{%- endmacro %}

{% macro spark__hours_between(start, stop) -%}
    ((unix_timestamp({{ stop }}) - unix_timestamp({{ start }}) + 3599) div 3600)
{%- endmacro %}
