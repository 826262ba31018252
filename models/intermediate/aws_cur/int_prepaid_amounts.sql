-- What was paid upfront for a commitment, on any current bill: the amount by which its refund is
-- recognised. A savings plan's is also listed by kind of plan, since its refund may name no plan.

with

commitments as (
    select commitments.*
    from {{ ref('stg_aws_cur__commitments') }} as commitments
    inner join {{ ref('stg_aws_cur__deliveries') }} as deliveries
        on commitments.assembly_id = deliveries.assembly_id
    where deliveries.is_current and commitments.prepaid_cost <> 0
),

named as (
    select
        payer_account_id,
        commitment_id,
        prepaid_cost,
        net_prepaid_cost
    from commitments
    union all
    select
        payer_account_id,
        product as commitment_id,
        prepaid_cost,
        net_prepaid_cost
    from commitments
    where not is_reservation
)

select
    payer_account_id,
    commitment_id,
    prepaid_cost
from named
union distinct
select
    payer_account_id,
    commitment_id,
    net_prepaid_cost as prepaid_cost
from named
