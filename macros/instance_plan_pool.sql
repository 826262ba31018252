{#- What an EC2 Instance savings plan can cover: one family in one region, in the accounts that share. -#}
{% macro instance_plan_pool(region, family) -%}
    concat_ws('|', 'EC2InstanceSavingsPlans', {{ region }}, {{ family }}, sharing_group)
{%- endmacro %}
