{% macro normalized_label(text) -%}
    {{ return(adapter.dispatch('normalized_label', 'infraspend')(text)) }}
{%- endmacro %}

{% macro duckdb__normalized_label(text) -%}
    nullif(lower(regexp_replace({{ text }}, '^[\s\p{Z}]+|[\s\p{Z}]+$', '', 'g')), '')
{%- endmacro %}

{#-
    Java's \s matches one space more than RE2's, and its $ also matches before a last line break.
    Characters are lowercased one by one, as in DuckDB: for whole words Java looks at the position
    of a Greek sigma, and turns the dotted capital I into two characters.
-#}
{% macro spark__normalized_label(text) -%}
    {%- set trimmed -%}
        regexp_replace({{ text }}, r'^[\t\n\f\r \p{Z}]+|[\t\n\f\r \p{Z}]+\z', '')
    {%- endset -%}
    nullif(
        case
            when {{ trimmed }} rlike r'[^\x00-\x7F]'
                then array_join(
                    transform(
                        split({{ trimmed }}, ''),
                        letter -> case when letter = '\u0130' then 'i' else lower(letter) end
                    ),
                    ''
                )
            else lower({{ trimmed }})
        end,
        ''
    )
{%- endmacro %}
