-- What AWS changed when it delivered a billing period again; changes after a month was closed are
-- frozen out.

select
    restated_at,
    billing_period,
    account_id,
    lyft_label as service,
    sum(unblended_cost_change) as unblended_cost_change,
    cast(sum(line_count_change) as bigint) as more_lines,
    is_frozen_out
from {{ ref('restatements') }}
group by restated_at, billing_period, account_id, lyft_label, is_frozen_out
order by restated_at desc, abs(sum(unblended_cost_change)) desc
limit 200
