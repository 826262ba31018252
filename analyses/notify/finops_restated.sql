-- What AWS changed of a month after it was closed: reported, and not used.

select
    'finops' as recipient,
    concat(payer_account_id, ', ', billing_period, ', ', assembly_id) as problem,
    cast(max(restated_at) as date) as happened_on,
    abs(sum(unblended_cost_change)) as spend,
    payer_account_id,
    billing_period,
    report,
    sum(unblended_cost_change) as cost_change,
    cast(sum(line_count_change) as bigint) as more_lines,
    cast(count(distinct account_id) as bigint) as account_count
from {{ ref('restatements') }}
where is_frozen_out
group by payer_account_id, billing_period, report, assembly_id
