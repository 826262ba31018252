-- A period that was closed with an assembly has to be served by it: load the assembly that is
-- missing, or correct the row in closed_periods.

select
    closed_periods.payer_account_id,
    closed_periods.billing_period,
    closed_periods.assembly_id
from {{ ref('closed_periods') }} as closed_periods
left join {{ ref('stg_aws_cur__deliveries') }} as deliveries
    on
        closed_periods.assembly_id = deliveries.assembly_id
        and closed_periods.billing_period = deliveries.billing_period
where deliveries.assembly_id is null
