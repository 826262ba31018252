-- The model of instances works out the id of their charge from the lines of the bill, `charges`
-- from their sums: both come to the same. A period that is left out has no charges.

with

instances as (
    select * from {{ refreshed(ref('int_instances_billed')) }}
),

charges as (
    select
        billing_period,
        charge_id
    from {{ refreshed(ref('charges')) }}
    where charge_class = 'usage'
),

left_out as (
    select * from {{ refreshed(ref('int_periods_left_out')) }}
)

select
    instances.billing_period,
    instances.payer_account_id,
    instances.charge_id,
    instances.instance_id
from instances
where
    not exists (
        select 1
        from charges
        where
            instances.billing_period = charges.billing_period
            and instances.charge_id = charges.charge_id
    )
    and not exists (
        select 1
        from left_out
        where
            instances.billing_period = left_out.billing_period
            and instances.payer_account_id = left_out.payer_account_id
    )
