-- Whatever the seeds say about reports and closed periods, a payer's billing period is on the bill
-- if a report's newest delivery has it. Who is no longer in that has left.

with

landed as (
    select distinct
        assemblies.billing_period,
        control_totals.payer_account_id
    from {{ source('aws_cur', 'control_totals') }} as control_totals
    inner join {{ ref('stg_aws_cur__assemblies') }} as assemblies
        on control_totals.assembly_id = assemblies.assembly_id
    where control_totals.line_count > 0 and assemblies.is_newest
),

served as (
    select distinct
        billing_period,
        payer_account_id
    from {{ ref('stg_aws_cur__control_totals') }}
)

select
    landed.billing_period,
    landed.payer_account_id
from landed
left join served
    on
        landed.billing_period = served.billing_period
        and landed.payer_account_id = served.payer_account_id
where served.payer_account_id is null
