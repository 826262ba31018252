-- No two rows of platform_resources that are equally specific match the same charges.

select
    billing_period,
    lyft_label,
    product,
    usage_type,
    valid_from,
    min(concat(platform, ': ', sub_platform)) as one_match,
    max(concat(platform, ': ', sub_platform)) as other_match
from {{ refreshed(ref('int_platform_keys')) }}
group by billing_period, lyft_label, product, usage_type, valid_from
having count(*) > 1
