-- Reservations whose bill has their fees and not the cost of their usage: AWS gives Dedicated Hosts
-- no amortized columns. Their monthly payment is a fee like any other. Read from the summary of
-- commitments that is made when a bill lands.

select
    commitments.billing_period,
    commitments.payer_account_id,
    commitments.commitment_id as reservation_id
from {{ ref('stg_aws_cur__commitments') }} as commitments
inner join {{ ref('stg_aws_cur__deliveries') }} as deliveries
    on commitments.assembly_id = deliveries.assembly_id
where deliveries.is_serving and commitments.is_reservation
group by commitments.billing_period, commitments.payer_account_id, commitments.commitment_id
having max(case when commitments.has_costs then 1 else 0 end) = 0
