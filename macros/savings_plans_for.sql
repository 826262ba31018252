{% macro savings_plans_for(product) -%}
    case
        when {{ product }} in ('AmazonEC2', 'AmazonECS', 'AmazonEKS', 'AWSLambda')
            then 'ComputeSavingsPlans'
        when {{ product }} = 'AmazonSageMaker' then 'MachineLearningSavingsPlans'
        when {{ product }} in ('AmazonRDS', 'AmazonElastiCache', 'AmazonDocDB', 'AmazonNeptune')
            then 'DatabaseSavingsPlans'
        else ''
    end
{%- endmacro %}
