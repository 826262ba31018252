{% macro commitment_family(product, usage_type, instance_family) -%}
    {%- set kinds = [
        ('AmazonEC2', ['%BoxUsage%', '%UnusedBox:%', '%DedicatedUsage:%', '%UnusedDed:%'], instance_family),
        ('AmazonRDS', ['%InstanceUsage%:%', '%Multi-AZ%Usage:%'], instance_family),
        ('AmazonRDS', ['%:Serverless%Usage%'], "'Serverless'"),
        ('AmazonDocDB', ['%Serverless%Usage%'], "'Serverless'"),
        ('AmazonDocDB', ['%InstanceUsage%:%'], instance_family),
        ('AmazonNeptune', ['%Serverless%Usage%'], "'Serverless'"),
        ('AmazonNeptune', ['%InstanceUsage%:%'], instance_family),
        ('AmazonElastiCache', ['%NodeUsage:%'], instance_family),
        ('AmazonElastiCache', ['%ProcessingUnits%'], "'Serverless'"),
        ('AmazonMemoryDB', ['%NodeUsage:%'], instance_family),
        ('AmazonRedshift', ['%Node:%'], instance_family),
        ('AmazonES', ['%ESInstance:%'], instance_family),
        ('AmazonSageMaker', ['%:ml.%', '%-ml.%'], instance_family),
        ('AmazonECS', ['%Fargate-%vCPU-Hours%', '%Fargate-%GB-Hours%'], "'Fargate'"),
        ('AmazonEKS', ['%Fargate-%vCPU-Hours%', '%Fargate-%GB-Hours%'], "'Fargate'"),
        ('AWSDatabaseMigrationSvc', ['%InstanceUsg:%', '%InstanceUsage:%'], instance_family),
        ('AmazonDynamoDB', ['%RequestUnits%', '%CapacityUnit-Hrs%'], "'DynamoDB'"),
        ('AmazonMCS', ['%RequestUnits%', '%CapacityUnit-Hrs%'], "'Keyspaces'"),
        ('AmazonTimestream', ['%InfluxDB%:%', '%TCU%', '%DataIngestion%'], "'Timestream'"),
        ('AWSLambda', ['%Lambda-GB-Second%', '%Lambda-Provisioned-%'], "'Lambda'"),
    ] -%}
    case
        when {{ usage_type }} like '%EphemeralStorage%' then ''
        {%- for code, patterns, family in kinds %}
            {%- for pattern in patterns %}
        when {{ product }} = '{{ code }}' and {{ usage_type }} like '{{ pattern }}'
            then {{ family }}
            {%- endfor %}
        {%- endfor %}
        else ''
    end
{%- endmacro %}
