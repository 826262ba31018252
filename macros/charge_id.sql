{#- The columns of the contract `charges` that together name one charge. -#}
{% macro charge_key() -%}
    {{ return([
        'billing_period', 'payer_account_id', 'account_id', 'charge_class', 'pricing_model', 'product',
        'usage_type', 'operation', 'region', 'instance_type', 'resource_id', 'tags', 'cost_categories',
        'reservation_id', 'savings_plan_id', 'commitment_pool', 'bill_type', 'usage_hour', 'interval_hours',
        'is_period_charge'
    ] + carried_columns()) }}
{%- endmacro %}

{#- One value instead of them: their MD5, separated by a character that no bill has; NULL counts as empty. -#}
{% macro charge_id(relation, resource_id=none) -%}
    {%- set values = ['chr(31)'] -%}
    {%- for column in charge_key() -%}
        {%- do values.append(
            resource_id if column == 'resource_id' and resource_id
            else "coalesce(cast(" ~ relation ~ '.' ~ column ~ ' as ' ~ dbt.type_string() ~ "), '')"
        ) -%}
    {%- endfor -%}
    md5(concat_ws({{ values | join(', ') }}))
{%- endmacro %}
