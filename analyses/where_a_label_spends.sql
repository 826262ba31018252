-- One label's drill-down: what it costs, day by day, through which platform and on which product.
--
--     dbt show --inline "$(cat analyses/where_a_label_spends.sql)" --limit -1 \
--         --vars '{label: pricing}'

select
    usage_date,
    platform,
    sub_platform,
    product,
    charge_class,
    sum(spend) as spend
from {{ ref('daily_spend') }}
where lyft_label = {{ sql_text(var('label', 'pricing')) }}
group by usage_date, platform, sub_platform, product, charge_class
order by usage_date asc, spend desc
