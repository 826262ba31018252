-- Who is on a platform, and what each tenant paid for it month by month.
--
--     from analyses.tenants_of_a_platform where platform = 'k8s'

select
    platform,
    date_trunc('month', usage_date) as month_from,
    sub_platform,
    lyft_label,
    sum(spend) as spend
from {{ ref('daily_spend') }}
where platform is not null
group by platform, date_trunc('month', usage_date), sub_platform, lyft_label
order by platform asc, month_from asc, sub_platform asc, spend desc
