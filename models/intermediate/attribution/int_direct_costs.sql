-- What labels spend in a billing period on what no platform splits, by product and usage type.
{{ by_period('claimed') }}

with

charges as (
    select * from {{ rebuilt(ref('int_charges_pooled')) }}
),

keys as (
    select * from {{ rebuilt(ref('int_platform_keys')) }}
)

select
    -- who
    charges.billing_period,
    charges.lyft_label,

    -- what
    charges.product,
    charges.usage_type,

    -- how much of it
    cast(sum(charges.usage_amount) as decimal(38, 10)) as volume,

    -- what it cost
    cast(sum(charges.list_cost) as decimal(38, 10)) as list_cost,
    cast(sum(charges.true_cost) as decimal(38, 20)) as spend
from charges
left join keys on {{ is_claimed_by('keys', 'charges') }}
where keys.platform is null
group by charges.billing_period, charges.lyft_label, charges.product, charges.usage_type
