-- Why is this $X: every charge that a label paid a part of on a day, with the rule that labelled
-- it, and the platforms that split it; the parts add up to daily_spend. The usage behind each split
-- is in explained_splits. `infraspend explain` prints both.
--
--     from analyses.why_is_this_spend where lyft_label = 'pricing' and usage_date = '2026-11-18'

select
    usage_date,
    lyft_label,
    spend,
    charge_true_cost,
    product,
    usage_type,
    charge_class,
    source_label,
    label_rule,
    way,
    usage_of,
    hours,
    basis
from {{ ref('explained_spend') }}
order by usage_date asc, lyft_label asc, spend desc
