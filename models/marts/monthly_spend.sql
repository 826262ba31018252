-- What each label spends in a billing period, and through which platforms: the shortest answer.
{{ by_period('split') }}

select
    -- who
    billing_period,
    lyft_label,

    -- through which platform
    platform,
    sub_platform,

    -- what
    product,
    charge_class,

    -- what it cost
    cast(sum(spend) as decimal(38, 20)) as spend
from {{ rebuilt(ref('enriched_spend')) }}
group by billing_period, lyft_label, platform, sub_platform, product, charge_class
