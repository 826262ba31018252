-- Every dollar of a billing period that has one before it is in its comparison.

with

compared as (
    select
        billing_period,
        sum(spend) as spend
    from {{ refreshed(ref('price_changes')) }}
    group by billing_period
),

spent as (
    select
        billing_period,
        sum(spend) as spend
    from {{ refreshed(ref('enriched_spend')) }}
    group by billing_period
)

select
    compared.billing_period,
    compared.spend,
    spent.spend as spent
from compared
left join spent on compared.billing_period = spent.billing_period
where compared.spend is distinct from spent.spend
