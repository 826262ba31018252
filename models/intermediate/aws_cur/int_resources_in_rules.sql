-- The resources that a label rule matches by id: few among many, and the only ones whose ids have
-- to stay on the charges. A rule that is valid only after the bill's last hour matches nothing yet.
-- depends_on: {{ ref('stg_seeds__label_rules') }}
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set conditions = [] %}
{% for rule in label_rules() %}
    {% for condition in rule.conditions if condition.on == 'resource_id' %}
        {% set begins = modules.datetime.datetime.fromisoformat(rule.valid_from) %}
        {% set since = begins - modules.datetime.timedelta(days=32) %}
        {% do conditions.append(
            rule_condition(condition) ~ " and concat(billing_period, '-01 00:00:00') > '" ~ since ~ "'"
        ) %}
    {% endfor %}
{% endfor %}

with

resources as (
    select distinct
        billing_period,
        resource_id
    from {{ ref('stg_aws_cur__line_items') }}
    where {{ in_month('billing_period') }} and {{ "resource_id <> ''" if conditions else 'false' }}
)

select
    billing_period,
    resource_id
from resources
where
    {% for condition in conditions %}
    {{ 'or ' if not loop.first }}({{ condition }})
    {% else %}
        false
    {% endfor %}
