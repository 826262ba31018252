-- Why is this $X: every charge that a label paid a part of on a day, with the rule that labelled
-- it, the platforms that split it and the usage that it was split by; the parts add up to what the
-- mart says. `infraspend explain` prints the same in words.
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
    first_platform,
    first_sub_platform,
    first_capacity_pool,
    via,
    last_platform,
    last_sub_platform,
    last_capacity_pool,
    last_cost_model,
    held,
    held_by_all,
    hours,
    basis
from {{ ref('explained_spend') }}
order by usage_date asc, lyft_label asc, spend desc
