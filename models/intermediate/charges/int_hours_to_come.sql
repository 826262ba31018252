-- The hour from which a payer's bill is about hours that have not happened yet. AWS bills the fees
-- of a commitment ahead of its usage, so in an open month their unused part is not known yet. The
-- deliveries show how far usage has come, not a clock: to the end of the last hour, or whole day,
-- of usage of the payer that has landed, on this bill or another one. A bill whose lines all name
-- their invoice has no hours to come, and neither has one whose usage reaches the end of the
-- period.

with

assembly_months as (
    select * from {{ ref('stg_aws_cur__assembly_months') }}
),

deliveries as (
    select * from {{ ref('stg_aws_cur__deliveries') }}
    where is_current
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
