-- The dataset Invoice Detail of FOCUS: each invoice of AWS by category of its charges. What an
-- invoice that people entered in `invoice_totals` has beyond the bill (AWS rounds it to cents) is a
-- line of its own, so that the lines add up to the invoice.
{{ config(
    materialized='table', schema='focus', enabled=var('focus'), meta={'month': 'billing_period'}
) }}

with

charges as (
    select * from {{ ref('focus_charges') }}
),

invoice_totals as (
    select
        billing_period,
        payer_account_id,
        invoice_id,
        {{ usd('amount') }} as invoice_cost
    from {{ ref('invoice_totals') }}
),

billing_periods as (
    select * from {{ ref('focus_billing_periods') }}
),

billed as (
    select
        billing_period,
        billing_account_id,
        invoice_id,
        invoice_detail_id,
        charge_category,
        cast(sum(billed_cost) as decimal(38, 20)) as billed_cost
    from charges
    where invoice_detail_id is not null
    group by billing_period, billing_account_id, invoice_id, invoice_detail_id, charge_category
),

invoices as (
    select
        billing_period,
        billing_account_id,
        invoice_id,
        sum(billed_cost) as billed_cost
    from billed
    group by billing_period, billing_account_id, invoice_id
),

lines as (
    select
        *,
        concat(charge_category, ' on invoice ', invoice_id) as description,
        true as x_is_on_the_bill
    from billed
    union all
    select
        invoice_totals.billing_period,
        invoice_totals.payer_account_id as billing_account_id,
        invoice_totals.invoice_id,
        concat(invoice_totals.invoice_id, ':beyond the bill') as invoice_detail_id,
        'Adjustment' as charge_category,
        cast(invoice_totals.invoice_cost - coalesce(invoices.billed_cost, 0) as decimal(38, 20))
            as billed_cost,
        concat('What invoice ', invoice_totals.invoice_id, ' has beyond the bill') as description,
        false as x_is_on_the_bill
    from invoice_totals
    left join invoices
        on
            invoice_totals.billing_period = invoices.billing_period
            and invoice_totals.payer_account_id = invoices.billing_account_id
            and invoice_totals.invoice_id = invoices.invoice_id
    where invoice_totals.invoice_cost <> coalesce(invoices.billed_cost, 0)
)

select
    -- when
    lines.billing_period,
    billing_periods.billing_period_start,
    billing_periods.billing_period_end,
    billing_periods.billing_period_created as invoice_detail_created,
    billing_periods.billing_period_last_updated as invoice_detail_last_updated,
    cast(null as timestamp) as invoice_issue_date,
    cast(null as timestamp) as payment_due_date,

    -- who
    lines.billing_account_id,
    'AWS' as invoice_issuer_name,

    -- what
    lines.invoice_id,
    lines.invoice_detail_id,
    lines.description as invoice_detail_description,
    cast(null as {{ dbt.type_string() }}) as invoice_detail_grain,
    -- AWS writes the id of an invoice into the bill when it issues it.
    'Issued' as invoice_issue_status,
    lines.charge_category,
    cast(null as {{ dbt.type_string() }}) as reference_invoice_id,

    -- what it cost
    (select max(charges.billing_currency) from charges) as billing_currency,
    lines.billed_cost,
    cast(null as {{ dbt.type_string() }}) as payment_currency,
    cast(null as {{ dbt.type_string() }}) as payment_terms,
    lines.x_is_on_the_bill
from lines
inner join billing_periods on lines.billing_period = billing_periods.billing_period
