{#-
    The label that a rule gives: its text, in which {value} is the value that its `present` or
    `regex` row matched, and {1}, {2}, ... are the groups that the row's pattern captured.
-#}
{% macro rule_label(rule) -%}
    {%- set parts = [] -%}
    {%- for piece in modules.re.split('(\{(?:value|[0-9]+)\})', rule.label) if piece -%}
        {%- if piece == '{value}' -%}
            {%- do parts.append(rule_value(rule.source)) -%}
        {%- elif modules.re.fullmatch('\{[0-9]+\}', piece) -%}
            {%- do parts.append(regexp_capture(rule_value(rule.source), rule.source.value, piece[1:-1])) -%}
        {%- else -%}
            {%- do parts.append(sql_text(piece)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ normalized_label('concat(' ~ parts | join(', ') ~ ')') }}
{%- endmacro %}
