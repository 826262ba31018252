-- What to label next: the tags, accounts and products on spend that no rule labels yet, by the
-- spend that one rule on each would label. The unused cost of commitments is left out: it has a
-- label of its own, whatever the rules say.

with

tags as (
    {{ tags_of_charges(ref('unlabeled_charges')) }}
),

-- A rule on a tag takes its value as the label, so that its key is what counts.
candidates as (
    select
        'account' as match_on,
        account_id as match_value,
        net_amortized_cost
    from {{ ref('unlabeled_charges') }}
    union all
    select
        'product' as match_on,
        product as match_value,
        net_amortized_cost
    from {{ ref('unlabeled_charges') }}
    union all
    select
        'usage_type' as match_on,
        usage_type as match_value,
        net_amortized_cost
    from {{ ref('unlabeled_charges') }}
    union all
    select
        match_on,
        match_key as match_value,
        net_amortized_cost
    from tags
)

select
    match_on,
    match_value,
    sum(net_amortized_cost) as would_label
from candidates
where match_value <> ''
group by match_on, match_value
order by would_label desc, match_on asc, match_value asc
