-- Who is on a platform, and what each tenant paid for it month by month of the bill. A month that
-- is not complete is not to be compared with whole ones.
--
--     from analyses.tenants_of_a_platform where platform = 'k8s'

select
    cast(billing_period || '-01' as date) as month_from,
    is_complete,
    sum(spend) as spend,
    platform,
    sub_platform,
    lyft_label
from {{ ref('monthly_spend') }}
where platform is not null
group by billing_period, is_complete, platform, sub_platform, lyft_label
order by platform asc, month_from asc, sub_platform asc, spend desc
