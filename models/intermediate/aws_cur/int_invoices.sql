-- The bill's total by invoice, to compare with the invoices that are entered in the seed
-- `invoice_totals`.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

select
    -- which invoice
    billing_period,
    payer_account_id,
    invoice_id,

    -- what it adds up to
    cast(
        sum(
            case
                when not has_net_costs then unblended_cost
                when is_negotiated_discount then coalesce(net_unblended_cost, 0)
                else coalesce(net_unblended_cost, unblended_cost)
            end
        ) as decimal(38, 10)
    ) as billed_cost
from {{ ref('stg_aws_cur__line_items') }}
where {{ in_month('billing_period') }} and invoice_id <> ''
group by billing_period, payer_account_id, invoice_id
