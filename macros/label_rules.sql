{#-
    Reads the label rules that apply to charges (or, with scope='namespaces', to namespaces and pods)
    and returns them in their order, each as {order, label, valid_from, valid_until, conditions}.
    Stops the build at an invalid rule and names its row. A warehouse without seeds
    (a fresh one, while listing or compiling) has no rules.
-#}
{% macro label_rules(scope='charges') -%}
    {%- set namespace_columns = ['namespace', 'namespace_label', 'pod_label'] -%}
    {%- set rules = [] -%}
    {%- if not execute or not load_relation(ref('stg_seeds__label_rules')) -%}
        {{ return(rules) }}
    {%- endif -%}

    {%- set rows = run_query(
        'select rule_order, match_on, match_key, match_type, match_value, lyft_label,'
        ~ ' cast(valid_from as ' ~ dbt.type_string() ~ '), cast(valid_until as ' ~ dbt.type_string() ~ '),'
        ~ ' match_type = \'regex\' and ' ~ is_bad_pattern('match_value')
        ~ ' from ' ~ ref('stg_seeds__label_rules')
        ~ ' order by rule_order, match_on, match_key, match_type, match_value'
    ) -%}

    {%- for row in rows -%}
        {%- set condition = {'on': row[1], 'key': row[2], 'type': row[3], 'value': row[4]} -%}
        {%- set problem = label_rule_problem(condition, row[8]) -%}
        {%- if problem -%}
            {{ refuse_rule(row[0], problem) }}
        {%- endif -%}
        {%- if not rules or rules[-1].order != row[0] -%}
            {%- do rules.append({
                'order': row[0], 'label': row[5], 'valid_from': row[6], 'valid_until': row[7],
                'conditions': [condition]
            }) -%}
        {%- elif (rules[-1].label, rules[-1].valid_from, rules[-1].valid_until) != (row[5], row[6], row[7]) -%}
            {{ refuse_rule(row[0], 'its rows are one rule but differ in lyft_label or dates (a tie): give one of them another rule_order') }}
        {%- else -%}
            {%- do rules[-1].conditions.append(condition) -%}
        {%- endif -%}
    {%- endfor -%}

    {%- set chosen = [] -%}
    {%- for rule in rules -%}
        {%- set about_namespaces = rule.conditions | selectattr('on', 'in', namespace_columns) | list -%}
        {%- if about_namespaces and about_namespaces | length < rule.conditions | length -%}
            {{ refuse_rule(rule.order, 'it mixes conditions on charges with conditions on namespaces or pods') }}
        {%- endif -%}
        {%- set sources = rule.conditions | selectattr('type', 'in', ['present', 'regex']) | list -%}
        {%- if '{' in rule.label and sources | length != 1 -%}
            {{ refuse_rule(rule.order, 'its lyft_label takes a value, so exactly one of its rows must be `present` or `regex`') }}
        {%- endif -%}
        {%- for placeholder in modules.re.findall('\{\w+\}', rule.label) if placeholder != '{value}' -%}
            {%- set captures = modules.re.findall('\((?!\?)|\(\?P<', (sources | first).value or '') -%}
            {%- if not modules.re.fullmatch('\{[1-9][0-9]*\}', placeholder) -%}
                {{ refuse_rule(rule.order, 'its lyft_label has `' ~ placeholder ~ '`, which is neither {value} nor a capture such as {1}') }}
            {%- elif placeholder[1:-1] | int > captures | length -%}
                {{ refuse_rule(rule.order, 'its lyft_label has `' ~ placeholder ~ '`, but its pattern captures ' ~ captures | length) }}
            {%- endif -%}
        {%- endfor -%}
        {%- if (scope == 'namespaces') == (about_namespaces | length > 0) -%}
            {%- do rule.update({'source': sources | first}) -%}
            {%- do chosen.append(rule) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(chosen) }}
{%- endmacro %}
