-- Which months of usage each billing period has charges for, with the first and last hour.

with

assembly_months as (
    select * from {{ ref('stg_aws_cur__assembly_months') }}
),

deliveries as (
    select * from {{ ref('stg_aws_cur__deliveries') }}
    where is_serving
)

select
    -- which months
    assembly_months.billing_period,
    assembly_months.usage_month,

    -- when
    min(assembly_months.first_hour) as first_hour,
    max(assembly_months.last_hour) as last_hour,
    max(assembly_months.end_hour) as end_hour,
    min(assembly_months.usage_first_hour) as usage_first_hour,
    max(assembly_months.usage_end_hour) as usage_end_hour,
    max(assembly_months.usage_last_hour) as usage_last_hour
from assembly_months
inner join deliveries on assembly_months.assembly_id = deliveries.assembly_id
group by assembly_months.billing_period, assembly_months.usage_month
