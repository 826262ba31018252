{% macro nfc(text) -%}
    {{ return(adapter.dispatch('nfc', 'infraspend')(text)) }}
{%- endmacro %}

{% macro duckdb__nfc(text) -%}
    nfc_normalize({{ text }})
{%- endmacro %}

{#- Spark has no function for it, but the library behind its collations has. -#}
{% macro spark__nfc(text) -%}
    case
        when {{ text }} is not null
            then reflect('com.ibm.icu.text.Normalizer', 'compose', {{ text }}, false)
    end
{%- endmacro %}
