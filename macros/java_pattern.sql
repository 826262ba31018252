{#-
    Rewrites a pattern so that it means in Java what it means in RE2: a dot is anything but a line
    feed, `$` is the end and not before a last line break, and case folding covers all of Unicode.
-#}
{% macro java_pattern(pattern) -%}
    {%- set pieces = [] -%}
    {%- for piece in modules.re.split('(\\\\.|\\[\\^?\\]?(?:\\\\.|[^\\]\\\\])*\\]|\\$)', pattern) -%}
        {%- do pieces.append('\\z' if piece == '$' else piece) -%}
    {%- endfor -%}
    {{ return('(?du)' ~ pieces | join) }}
{%- endmacro %}
