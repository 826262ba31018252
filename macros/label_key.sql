{#- The same spelling as in loaders/kubernetes/labels.py, which lands the keys. -#}
{% macro label_key(key) -%}
    {%- set name = modules.re.sub('[^a-zA-Z0-9_]', '_', key) -%}
    {{ return(modules.re.sub('([a-z0-9])([A-Z])', '\\1_\\2', name) | lower) }}
{%- endmacro %}
