-- A period that was closed with an assembly has to be served by it: load the assembly that is
-- missing, or correct the row in closed_periods. Months before the first that was loaded of a payer
-- are not in this warehouse, and neither are their charges.

with

first_periods as (
    select
        control_totals.payer_account_id,
        min(deliveries.billing_period) as billing_period
    from {{ ref('stg_aws_cur__deliveries') }} as deliveries
    inner join {{ source('aws_cur', 'control_totals') }} as control_totals
        on deliveries.assembly_id = control_totals.assembly_id
    group by control_totals.payer_account_id
)

select
    closed_periods.payer_account_id,
    closed_periods.billing_period,
    closed_periods.assembly_id
from {{ ref('closed_periods') }} as closed_periods
left join {{ ref('stg_aws_cur__deliveries') }} as deliveries
    on
        closed_periods.assembly_id = deliveries.assembly_id
        and closed_periods.billing_period = deliveries.billing_period
left join first_periods on closed_periods.payer_account_id = first_periods.payer_account_id
where
    deliveries.assembly_id is null
    and closed_periods.billing_period
    >= coalesce(first_periods.billing_period, closed_periods.billing_period)
