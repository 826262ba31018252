{#-
    Says to Java's regular expressions what a pattern says to RE2: a dot is anything but a line feed, the
    end is the end and not the last line break before it, and upper and lower case are those of all
    letters.
-#}
{% macro java_pattern(pattern) -%}
    {%- set pieces = [] -%}
    {%- for piece in modules.re.split('(\\\\.|\\[\\^?\\]?(?:\\\\.|[^\\]\\\\])*\\]|\\$)', pattern) -%}
        {%- do pieces.append('\\z' if piece == '$' else piece) -%}
    {%- endfor -%}
    {{ return('(?du)' ~ pieces | join) }}
{%- endmacro %}
