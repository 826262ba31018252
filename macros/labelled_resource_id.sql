{#-
    The `resource_id` of a line of the bill where a label rule matches it, else ''. Such ids are few, and the
    only ones that stay on charges. A rule that is valid only after the bill's last hour matches nothing yet.
-#}
{% macro labelled_resource_id() -%}
    {%- set conditions = [] -%}
    {%- for rule in label_rules() -%}
        {%- set begins = modules.datetime.datetime.fromisoformat(rule.valid_from) -%}
        {%- set since = begins - modules.datetime.timedelta(days=32) -%}
        {%- for condition in rule.conditions if condition.on == 'resource_id' -%}
            {%- do conditions.append(
                '(' ~ rule_condition(condition) ~ " and concat(billing_period, '-01 00:00:00') > '" ~ since ~ "')"
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if not conditions -%}
        {{ return("''") }}
    {%- endif -%}
    {{ return(
        "case when resource_id <> '' and (" ~ conditions | join(' or ') ~ ") then resource_id else '' end"
    ) }}
{%- endmacro %}
