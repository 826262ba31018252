-- Why is this $X: every charge that a label paid a part of on a day, with the rule that labelled
-- it, the platforms that split it and the usage that it was split by; the parts add up to what the
-- mart says. `infraspend explain` prints the same in words.
--
--     dbt show --inline "$(cat analyses/why_is_this_spend.sql)" --limit -1 \
--         --vars '{label: pricing, date: 2026-11-18}'

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
where
    lyft_label = {{ sql_text(var('label', 'pricing')) }}
    and usage_date = cast({{ sql_text(var('date', '2026-11-18')) }} as date)
order by spend desc
