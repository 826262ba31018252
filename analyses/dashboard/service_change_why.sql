-- Why a service's spend changed: the charges by the label on the bill and the platforms that split
-- them, in the last 28 complete days and the 28 days before, and in the last 7 and the 7 before.

with

spans as (
    select
        coalesce(max(days_back), 0) >= 56 as has_28_before,
        coalesce(max(days_back), 0) >= 14 as has_7_before
    from {{ ref('time_spine') }}
),

parts as (
    select
        spend.lyft_label,
        {{ charge_in_words('spend') }} as charge,
        spend.account_id,
        {{ label_on_the_bill('spend', 'rules') }} as label_on_the_bill,
        -- Without pools: a platform that is pooled by node has others every day.
        coalesce(regexp_replace(spend.way, ' \([^()]*\)( > |$)', '\1', 'g'), 'directly')
            as platforms,
        sum(case when spine.days_back <= 28 then spend.spend else 0 end) as last_28,
        sum(case when spine.days_back > 28 then spend.spend else 0 end) as before_28,
        sum(case when spine.days_back <= 7 then spend.spend else 0 end) as last_7,
        sum(case when spine.days_back between 8 and 14 then spend.spend else 0 end) as before_7
    from {{ ref('explained_spend') }} as spend
    inner join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
    left join {{ ref('labelling_rules') }} as rules on spend.label_rule = rules.label_rule
    where spine.days_back <= 56 and not spend.is_period_charge
    group by
        spend.lyft_label,
        spend.product,
        spend.usage_type,
        spend.operation,
        spend.charge_class,
        spend.pricing_model,
        spend.account_id,
        spend.source_label,
        spend.label_rule,
        rules.matches,
        platforms
)

select
    parts.lyft_label as service,
    parts.charge,
    sum(parts.last_28) as spend,
    case when spans.has_28_before then sum(parts.before_28) end as previous_spend,
    case when spans.has_28_before then sum(parts.last_28) - sum(parts.before_28) end
        as spend_change,
    sum(parts.last_7) as spend_of_7_days,
    case when spans.has_7_before then sum(parts.before_7) end as previous_7_days,
    case when spans.has_7_before then sum(parts.last_7) - sum(parts.before_7) end
        as change_of_7_days,
    parts.account_id,
    parts.label_on_the_bill,
    parts.platforms
from parts
cross join spans
group by
    parts.lyft_label,
    parts.charge,
    parts.account_id,
    parts.label_on_the_bill,
    parts.platforms,
    spans.has_28_before,
    spans.has_7_before
order by
    coalesce(abs(spend_change), spend) desc,
    parts.charge asc,
    parts.account_id asc,
    parts.label_on_the_bill asc,
    parts.platforms asc
