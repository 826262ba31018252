-- What serves a billing account's period is all of what was delivered: the charges and the costs
-- that were counted in the files.

with

control_totals as (
    select
        statement_id,
        sum(line_count) as line_count,
        sum(landed_billed_cost) as billed_cost,
        sum(landed_effective_cost) as effective_cost
    from {{ source('focus', 'control_totals') }}
    group by statement_id
),

landed as (
    select
        _statement_id as statement_id,
        count(*) as line_count,
        sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost
    from {{ source('focus', 'charges') }}
    group by _statement_id
)

select
    statements.statement_id,
    statements.billing_account_id,
    statements.billing_period
from {{ ref('stg_focus__statements') }} as statements
left join control_totals on statements.statement_id = control_totals.statement_id
left join landed on statements.statement_id = landed.statement_id
where
    statements.is_current
    and (
        statements.line_count is distinct from control_totals.line_count
        or statements.line_count is distinct from landed.line_count
        or control_totals.billed_cost is distinct from landed.billed_cost
        or control_totals.effective_cost is distinct from landed.effective_cost
    )
