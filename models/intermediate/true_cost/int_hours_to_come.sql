-- From which hour on a payer's bill speaks of hours that have not happened. AWS bills the fees of a
-- commitment ahead of its usage, so that in an open month nobody can tell yet what is unused of
-- them. How far usage has come is what the deliveries themselves say, and no clock: until the end
-- of the last hour, or whole day, of usage that has landed of the payer, on this bill or on another
-- one. A bill whose lines all name their invoice is closed, and so is one whose usage reaches its
-- end.

with

assembly_months as (
    select * from {{ ref('stg_aws_cur__assembly_months') }}
),

deliveries as (
    select * from {{ ref('stg_aws_cur__deliveries') }}
    where is_serving
),

served as (
    select
        assembly_months.billing_period,
        assembly_months.payer_account_id,
        assembly_months.is_invoiced,
        assembly_months.usage_whole_until
    from assembly_months
    inner join deliveries on assembly_months.assembly_id = deliveries.assembly_id
),

reached as (
    select
        payer_account_id,
        max(usage_whole_until) as usage_whole_until
    from served
    group by payer_account_id
),

periods as (
    select
        billing_period,
        payer_account_id,
        cast(concat(billing_period, '-01') as timestamp) as starts_at,
        cast(concat(billing_period, '-01') as timestamp) + interval '1' month as ends_at
    from served
    group by billing_period, payer_account_id
    having max(case when is_invoiced then 0 else 1 end) = 1
)

select
    -- which bill
    periods.billing_period,
    periods.payer_account_id,

    -- when
    coalesce(greatest(reached.usage_whole_until, periods.starts_at), periods.starts_at)
        as to_come_from
from periods
inner join reached on periods.payer_account_id = reached.payer_account_id
where reached.usage_whole_until is null or reached.usage_whole_until < periods.ends_at
