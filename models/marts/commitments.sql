-- Every reservation and savings plan that a bill names, with its term and expiry date: the
-- commitments of commitment_usage.
{{ config(materialized='table') }}

with

commitments as (
    select commitments.*
    from {{ ref('stg_aws_cur__commitments') }} as commitments
    inner join {{ ref('stg_aws_cur__deliveries') }} as deliveries
        on commitments.assembly_id = deliveries.assembly_id
    -- A line that names no commitment is listed under its product.
    where deliveries.is_current and commitments.commitment_id <> commitments.product
)

select
    -- when
    min(starts_at) as starts_at,
    max(ends_at) as ends_at,

    -- who
    payer_account_id,
    commitment_id,
    -- After the kind of resource, which ends with a slash or a colon.
    split_part(split_part(commitment_id, ':', -1), '/', -1) as commitment_name,
    case when is_reservation then 'reservation' else 'savings_plan' end as commitment_type,
    min(nullif(product, '')) as product
from commitments
group by payer_account_id, commitment_id, is_reservation
