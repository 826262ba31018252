-- Every difference between AWS's amortized cost and true_cost has a name, for every payer and
-- billing period of a Cost and Usage Report. Nothing of true_cost depends on it: it warns.
{{ config(severity='warn') }}

select
    billing_period,
    payer_account_id,
    amount
from {{ refreshed(ref('cost_explorer_bridge')) }}
where bridge_item = 'unexplained' and amount <> 0
