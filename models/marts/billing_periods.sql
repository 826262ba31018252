-- The billing periods of each payer: which are closed, when and with which delivery, and what the
-- invoices that people entered say, next to the bill's own sum of the same invoices.

with

closed_periods as (
    select
        billing_period,
        payer_account_id,
        assembly_id,
        cast(closed_at as timestamp) as closed_at
    from {{ ref('closed_periods') }}
),

invoices as (
    select
        totals.billing_period,
        totals.payer_account_id,
        count(*) as invoice_count,
        sum({{ usd('totals.amount') }}) as invoice_cost,
        -- An invoice that is on no bill makes the sum unknown.
        case
            when count(*) = count(billed.billed_cost)
                then sum(billed.billed_cost)
        end as billed_cost
    from {{ ref('invoice_totals') }} as totals
    left join {{ ref('int_invoices') }} as billed
        on
            totals.billing_period = billed.billing_period
            and totals.payer_account_id = billed.payer_account_id
            and totals.invoice_id = billed.invoice_id
    group by totals.billing_period, totals.payer_account_id
),

left_out as (
    select * from {{ ref('int_periods_left_out') }}
),

bills as (
    select
        billing_period,
        payer_account_id,
        is_complete
    from {{ ref('invoice_bridge') }}
    where bridge_item = 'invoice'
),

periods as (
    select
        billing_period,
        payer_account_id
    from bills
    union distinct
    select
        billing_period,
        payer_account_id
    from closed_periods
    union distinct
    select
        billing_period,
        payer_account_id
    from invoices
)

select
    -- when
    periods.billing_period,
    closed_periods.closed_at,

    -- how much
    cast(invoices.invoice_cost as decimal(38, 10)) as invoice_cost,
    cast(invoices.billed_cost as decimal(38, 10)) as billed_cost,
    cast(invoices.billed_cost - invoices.invoice_cost as decimal(38, 10)) as difference_cost,
    cast(coalesce(invoices.invoice_count, 0) as bigint) as invoice_count,

    -- who
    periods.payer_account_id,

    -- which delivery
    closed_periods.assembly_id,
    coalesce(bills.is_complete, false) as is_complete,
    closed_periods.payer_account_id is not null as is_closed,
    left_out.reason as left_out_because,
    left_out.evidence as left_out_evidence
from periods
left join bills
    on
        periods.billing_period = bills.billing_period
        and periods.payer_account_id = bills.payer_account_id
left join closed_periods
    on
        periods.billing_period = closed_periods.billing_period
        and periods.payer_account_id = closed_periods.payer_account_id
left join invoices
    on
        periods.billing_period = invoices.billing_period
        and periods.payer_account_id = invoices.payer_account_id
left join left_out
    on
        periods.billing_period = left_out.billing_period
        and periods.payer_account_id = left_out.payer_account_id
