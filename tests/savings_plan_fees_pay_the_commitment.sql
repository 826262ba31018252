-- AWS's second identity: the commitment of an hour is the recurring fee and the part of the upfront
-- payment that falls on it.
{{ config(severity='warn') }}

select
    billing_period,
    payer_account_id,
    savings_plan_id,
    usage_hour,
    savings_plan_commitment_cost,
    unblended_cost,
    savings_plan_amortized_upfront_cost
from {{ refreshed(ref('stg_aws_cur__line_items')) }}
where
    line_item_type = 'SavingsPlanRecurringFee'
    and abs(
        coalesce(savings_plan_commitment_cost, 0)
        - unblended_cost
        - coalesce(savings_plan_amortized_upfront_cost, 0)
    ) > {{ aws_tolerance('abs(unblended_cost)', '1') }}
