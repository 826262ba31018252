-- Who is on a platform, and what each tenant paid for it month by month.
--
--     dbt show --inline "$(cat analyses/tenants_of_a_platform.sql)" --limit -1 \
--         --vars '{platform: k8s}'

select
    date_trunc('month', usage_date) as month_from,
    sub_platform,
    lyft_label,
    sum(spend) as spend
from {{ ref('daily_spend') }}
where platform = {{ sql_text(var('platform', 'k8s')) }}
group by date_trunc('month', usage_date), sub_platform, lyft_label
order by month_from asc, sub_platform asc, spend desc
