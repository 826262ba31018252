{#- What an EC2 Instance savings plan can pay for: one family in one region, of the accounts that share. -#}
{% macro instance_plan_pool(region, family) -%}
    concat_ws('|', 'EC2InstanceSavingsPlans', {{ region }}, {{ family }}, sharing_group)
{%- endmacro %}
