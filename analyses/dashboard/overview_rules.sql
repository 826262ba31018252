-- The rules that would label most, by the spend of the newest complete month that each would
-- label by itself, as rows to add to label_rules.csv.

with

{{ month_of_charges() }},

unlabeled as (
    select charges.*
    from {{ ref('unlabeled_charges') }} as charges
    inner join shown_month on charges.billing_period = shown_month.billing_period
),

tags as (
    {{ tags_of_charges('unlabeled') }}
),

candidates as (
    select
        billing_period,
        'account' as match_on,
        '' as match_key,
        'equals' as match_type,
        account_id as match_value,
        net_amortized_cost
    from unlabeled
    union all
    select
        billing_period,
        'product' as match_on,
        '' as match_key,
        'equals' as match_type,
        product as match_value,
        net_amortized_cost
    from unlabeled
    where product is not null
    union all
    select
        billing_period,
        'usage_type' as match_on,
        '' as match_key,
        'equals' as match_type,
        usage_type as match_value,
        net_amortized_cost
    from unlabeled
    where usage_type is not null
    union all
    select
        billing_period,
        match_on,
        match_key,
        'present' as match_type,
        '' as match_value,
        net_amortized_cost
    from tags
),

rules as (
    select
        billing_period,
        match_on,
        match_key,
        match_type,
        match_value,
        sum(net_amortized_cost) as would_label
    from candidates
    group by billing_period, match_on, match_key, match_type, match_value
    having sum(net_amortized_cost) >= 0.01
)

select
    rules.would_label,
    rules.match_on,
    nullif(rules.match_key, '') as match_key,
    rules.match_type,
    nullif(rules.match_value, '') as match_value,
    concat_ws(
        ',',
        '900',
        rules.match_on,
        case
            when
                rules.match_key like '%,%'
                or rules.match_key like '%"%'
                or rules.match_key like concat('%', chr(10), '%')
                or rules.match_key like concat('%', chr(13), '%')
                then concat('"', replace(rules.match_key, '"', '""'), '"')
            else coalesce(rules.match_key, '')
        end,
        rules.match_type,
        case
            when
                rules.match_value like '%,%'
                or rules.match_value like '%"%'
                or rules.match_value like concat('%', chr(10), '%')
                or rules.match_value like concat('%', chr(13), '%')
                then concat('"', replace(rules.match_value, '"', '""'), '"')
            else coalesce(rules.match_value, '')
        end,
        case when rules.match_type = 'present' then '{value}' else 'LABEL' end,
        '',
        ''
    ) as row_of_label_rules_csv,
    rules.billing_period
from rules
order by
    rules.would_label desc,
    rules.match_on asc,
    rules.match_key asc,
    rules.match_value asc
limit 25
