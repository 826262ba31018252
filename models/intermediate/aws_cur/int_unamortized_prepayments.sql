-- Upfront fees of reservations that AWS amortizes on no current bill: those of services without
-- amortized columns (Dedicated Hosts, capacity of DynamoDB). Where AWS does amortize a service's
-- fees and only the fee has landed, this model waits: the term may begin next month. Read from the
-- summary of commitments that is made when a bill lands, so that it is known before any line is
-- priced. Refunded fees are left out.

with

commitments as (
    select commitments.*
    from {{ ref('stg_aws_cur__commitments') }} as commitments
    inner join {{ ref('stg_aws_cur__deliveries') }} as deliveries
        on commitments.assembly_id = deliveries.assembly_id
    where deliveries.is_current and commitments.is_reservation
),

reservations as (
    select
        payer_account_id,
        commitment_id as reservation_id,
        min(case when prepaid_cost <> 0 then billing_period end) as billing_period,
        min(case when prepaid_cost <> 0 then assembly_id end) as assembly_id,
        sum(prepaid_cost) as prepaid_cost,
        min(prepaid_at) as prepaid_at,
        min(starts_at) as starts_at,
        max(ends_at) as ends_at,
        max(contract_length) as contract_length,
        sum(other_lines) as other_lines,
        max(case when prepaid_cost <> 0 then product end) as product,
        max(prepaid_usage_type) as usage_type
    from commitments
    group by payer_account_id, commitment_id
    having
        sum(prepaid_cost) <> 0
        and sum(amortized_cost) = 0
        and sum(net_prepaid_cost) + sum(refunded_cost) > 0
),

terms as (
    select
        *,
        coalesce(starts_at, prepaid_at) as term_from,
        case
            when ends_at is not null then ends_at
            when contract_length like '1%' then coalesce(starts_at, prepaid_at) + interval '1' year
            when contract_length like '3%' then coalesce(starts_at, prepaid_at) + interval '3' year
        end as term_until
    from reservations
)

select
    -- which purchase
    payer_account_id,
    reservation_id,
    billing_period,
    assembly_id,

    -- what was paid
    prepaid_cost,
    other_lines = 0
    and product in (
        'AmazonEC2',
        'AmazonRDS',
        'AmazonElastiCache',
        'AmazonRedshift',
        'AmazonES',
        'AmazonMemoryDB'
    )
    and usage_type not like '%Host%' as is_awaited,

    -- when
    date_trunc('hour', term_from) as term_from,
    case when term_until > term_from then term_until end as term_until
from terms
