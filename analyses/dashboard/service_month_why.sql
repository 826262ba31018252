-- Why a service pays charges for a whole month, such as support and tax, of the newest complete
-- month: the charges by the label on the bill, and the platforms that split them.

with

{{ month_of_charges() }},

shown_spend as (
    select spend.*
    from {{ ref('explained_spend') }} as spend
    inner join shown_month on spend.billing_period = shown_month.billing_period
    where spend.is_period_charge
),

shown_splits as (
    select splits.*
    from {{ ref('explained_splits') }} as splits
    inner join shown_month on splits.billing_period = shown_month.billing_period
    where splits.is_period_charge
),

{{ why_of_spend() }}

select
    service,
    spend,
    split_charges,
    charge,
    account_id,
    label_on_the_bill,
    platforms,
    usage,
    basis,
    billing_period
from why
where spend <> 0
order by
    spend desc,
    charge asc,
    account_id asc,
    label_on_the_bill asc,
    platforms asc,
    usage_of asc,
    basis asc
