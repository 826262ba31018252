-- What to label next: the tags, accounts and products on spend that no rule labels yet, by the
-- dollars that one rule on each would label. The unused cost of commitments is left out: it has a
-- label of its own, whatever the rules say.

with

charges as (
    select * from {{ ref('charges') }}
    where charge_class <> 'commitment_fee' and (charge_class <> 'discount' or has_net_costs)
),

unlabeled_keys as (
    select * from {{ ref('int_label_matches') }}
    where lyft_label = 'unlabeled'
),

unlabeled as (
    select
        unlabeled_keys.account_id,
        unlabeled_keys.product,
        unlabeled_keys.usage_type,
        unlabeled_keys.tags,
        sum(charges.net_amortized_cost) as net_amortized_cost
    from charges
    inner join unlabeled_keys
        on
            charges.billing_period = unlabeled_keys.billing_period
            and charges.account_id = unlabeled_keys.account_id
            and charges.product = unlabeled_keys.product
            and charges.usage_type = unlabeled_keys.usage_type
            and charges.operation = unlabeled_keys.operation
            and charges.charge_class = unlabeled_keys.charge_class
            and charges.resource_id = unlabeled_keys.resource_id
            and charges.tags = unlabeled_keys.tags
            and charges.cost_categories = unlabeled_keys.cost_categories
            and charges.usage_hour >= unlabeled_keys.era_from
            and charges.usage_hour < unlabeled_keys.era_until
    group by
        unlabeled_keys.account_id,
        unlabeled_keys.product,
        unlabeled_keys.usage_type,
        unlabeled_keys.tags
),

candidates as (
    select
        'account' as match_on,
        account_id as match_value,
        net_amortized_cost
    from unlabeled
    union all
    select
        'product' as match_on,
        product as match_value,
        net_amortized_cost
    from unlabeled
    union all
    select
        'usage_type' as match_on,
        usage_type as match_value,
        net_amortized_cost
    from unlabeled
    union all
    select
        'tag' as match_on,
        tags as match_value,
        net_amortized_cost
    from unlabeled
    where tags <> '{}'
)

select
    match_on,
    match_value,
    sum(net_amortized_cost) as would_label
from candidates
where match_value <> ''
group by match_on, match_value
order by would_label desc, match_on asc, match_value asc
