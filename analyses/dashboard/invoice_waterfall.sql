-- From the invoice to true_cost, all payers, of the newest billing period but one, or the only one.

with

bridge as (
    select * from {{ ref('invoice_bridge') }}
),

periods as (
    select
        billing_period,
        row_number() over (order by billing_period desc) as place,
        count(*) over () as periods
    from bridge
    group by billing_period
),

shown as (
    select billing_period
    from periods
    where place = least(2, periods)
)

select
    bridge.bridge_item,
    sum(bridge.amount) as amount,
    bridge.billing_period
from bridge
inner join shown on bridge.billing_period = shown.billing_period
group by bridge.billing_period, bridge.bridge_item, bridge.item_order
having sum(bridge.amount) <> 0 or bridge.bridge_item in ('invoice', 'true_cost', 'unexplained')
order by bridge.item_order asc
