{#- As AWS lists them; the services of database plans are not yet verified on a bill with such a plan. -#}
{% macro savings_plans_for(product) -%}
    case
        when {{ product }} in ('AmazonEC2', 'AmazonECS', 'AmazonEKS', 'AWSLambda')
            then 'ComputeSavingsPlans'
        when {{ product }} = 'AmazonSageMaker' then 'MachineLearningSavingsPlans'
        when
            {{ product }} in (
                'AmazonRDS', 'AmazonDynamoDB', 'AmazonElastiCache', 'AmazonDocDB', 'AmazonNeptune',
                'AmazonMCS', 'AmazonTimestream', 'AWSDatabaseMigrationSvc', 'AmazonES'
            )
            then 'DatabaseSavingsPlans'
    end
{%- endmacro %}
