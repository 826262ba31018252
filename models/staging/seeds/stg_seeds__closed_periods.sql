-- The assembly that a payer's month was charged back with: that month is always built from it.

with

closed_periods as (
    select * from {{ ref('closed_periods') }}
)

select
    -- ids
    payer_account_id,
    billing_period,
    assembly_id,

    -- when
    cast(closed_at as timestamp) as closed_at
from closed_periods
