{% macro forget_last_build() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'seed') and not env_var('INFRASPEND_BUILD', '') -%}
        {%- set builds = adapter.get_relation(
            database=target.database, schema='pipeline', identifier='builds'
        ) -%}
        {%- if builds -%}
            update {{ builds }} set is_whole = false
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
