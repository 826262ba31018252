-- Why a service spent this much in the last 28 complete days: the charges by the label on the bill,
-- the platforms that split them, and the usage that decided on each. Charges for a whole month are
-- left out, as in the number on top.

with

shown_spend as (
    select spend.* replace (cast(null as varchar) as billing_period)
    from {{ ref('explained_spend') }} as spend
    inner join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
    where spine.days_back <= 28 and not spend.is_period_charge
),

shown_splits as (
    select splits.*
    from {{ ref('explained_splits') }} as splits
    inner join {{ ref('time_spine') }} as spine on splits.usage_date = spine.date_day
    where spine.days_back <= 28 and not splits.is_period_charge
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
    hours,
    basis
from why
order by
    spend desc,
    charge asc,
    account_id asc,
    label_on_the_bill asc,
    platforms asc,
    usage_of asc,
    basis asc
