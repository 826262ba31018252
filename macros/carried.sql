{#-
    The further columns of the report that charges carry: the variable `carry_columns`, once it is right, and up
    to int_charges_matched what the FOCUS datasets need, if the variable `focus` asks for them.
-#}
{% macro carried_columns(of_marts=false) -%}
    {%- set columns = var('carry_columns') -%}
    {%- if columns is string or columns is not iterable -%}
        {{ refuse_carried(columns, 'it is no list of columns') }}
    {%- endif -%}
    {%- set staged = graph.get('nodes', {}).get('model.infraspend.stg_aws_cur__line_items') if execute else none -%}
    {%- for column in columns -%}
        {%- if not modules.re.fullmatch('[a-z][a-z0-9_]*', column | string) -%}
            {{ refuse_carried(column, 'write it as CUR 2.0 would, such as line_item_availability_zone') }}
        {%- elif columns | select('equalto', column) | list | length > 1 -%}
            {{ refuse_carried(column, 'it is listed twice') }}
        {%- elif staged and (column in staged.columns or column in carried_maps()) -%}
            {{ refuse_carried(column, 'it is a map or has the name of a column that is there already:'
                ~ ' of a map name a member, such as product_volume_type') }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(columns | list if of_marts else columns + focus_columns()) }}
{%- endmacro %}

{#- What a row of FOCUS says of the line, and neither prices nor labels ask for. -#}
{% macro focus_columns() -%}
    {{ return(said_in_focus() | reject('in', var('carry_columns')) | list if var('focus') else []) }}
{%- endmacro %}

{#- These columns and what a bill in FOCUS says in them; no report has the last two. -#}
{% macro said_in_focus() -%}
    {{ return({
        'bill_invoice_id': 'invoice_id',
        'bill_bill_type': "case when is_correction then 'Correction' else '' end",
        'reservation_reservation_a_r_n': 'reservation_id',
        'savings_plan_savings_plan_a_r_n': 'savings_plan_id',
        'service_provider_name': 'provider',
        'pricing_category': 'pricing_category',
    }) }}
{%- endmacro %}

{% macro refuse_carried(column, problem) -%}
    {%- do exceptions.raise_compiler_error(
        'The variable carry_columns names `' ~ column ~ '`: ' ~ problem ~ '.'
    ) -%}
{%- endmacro %}

{% macro carried_maps() -%}
    {{ return(['account_tags', 'cost_category', 'discount', 'product', 'resource_tags']) }}
{%- endmacro %}

{#- They as a part of a list of columns, each with a comma behind it: nothing where nothing is carried. -#}
{% macro carried(relation=none, of_marts=false) -%}
    {%- for column in carried_columns(of_marts) -%}
        {{ relation ~ '.' if relation }}{{ column }},{{ ' ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- The same for a mart, where absent is NULL. -#}
{% macro carried_to_mart() -%}
    {%- for column in carried_columns(of_marts=true) -%}
        nullif({{ column }}, '') as {{ column }},{{ ' ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- The same for rows that belong to no line of the bill. -#}
{% macro carried_of_no_line() -%}
    {%- for column in carried_columns() -%}
        '' as {{ column }},{{ ' ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#-
    The same, taken from a raw line: a column of CUR 2.0, a member of one of its maps by its legacy name
    (`product_volume_type`), or a column that CUR 2.0 does not know. As text, '' where it is absent.
-#}
{% macro carried_from(lines) -%}
    {%- set source = graph.get('sources', {}).get('source.infraspend.aws_cur.line_items') if execute else none -%}
    {%- for column in carried_columns() -%}
        {%- set found = namespace(value=json_value(lines ~ '.other_columns', column)) -%}
        {%- for map in carried_maps() if column.startswith(map ~ '_') -%}
            {%- set found.value = json_value(lines ~ '.' ~ map, column[map | length + 1:]) -%}
        {%- endfor -%}
        {%- if source and column in source.columns -%}
            {%- set found.value = 'cast(' ~ lines ~ '.' ~ column ~ ' as ' ~ dbt.type_string() ~ ')' -%}
        {%- elif column in focus_columns() -%}
            {%- set found.value = 'null' -%}
        {%- endif -%}
        coalesce({{ found.value }}, '') as {{ column }},{{ ' ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- The same, taken from a charge in FOCUS, which has what `said_in_focus` names. -#}
{% macro carried_from_focus() -%}
    {%- for column in carried_columns() -%}
        {{ said_in_focus().get(column, "''") }} as {{ column }},{{ ' ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
