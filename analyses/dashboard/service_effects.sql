-- Why a service's spend changed from month to month: by platform and product, what comes from the
-- length of the months, from using more or less, from prices, and from commitments and discounts.

select
    lyft_label as service,
    billing_period,
    is_complete,
    coalesce(platform || ': ' || sub_platform, 'directly') as platform,
    product,
    sum(previous_spend) as previous_spend,
    sum(spend) as spend,
    sum(length_effect) as length_of_month,
    sum(volume_effect) as volume,
    sum(rate_effect) as rate,
    sum(commitment_effect) as commitments_and_discounts
from {{ ref('price_changes') }}
where lyft_label is not null
group by lyft_label, billing_period, is_complete, platform, sub_platform, product
order by
    billing_period desc,
    abs(sum(spend) - sum(previous_spend)) desc,
    platform asc,
    product asc
