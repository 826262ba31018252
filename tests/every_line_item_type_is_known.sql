-- A line of a type that nobody has met is priced at what AWS charged, and reported with its
-- dollars.
{{ config(severity='warn') }}

select
    billing_period,
    payer_account_id,
    line_item_type,
    count(*) as line_count,
    sum(net_unblended_cost) as net_unblended_cost
from {{ refreshed(ref('int_line_items_priced')) }}
where charge_class = 'other'
group by billing_period, payer_account_id, line_item_type
