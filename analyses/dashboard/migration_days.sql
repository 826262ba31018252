-- Services with EC2 instances of their own: their spend on these and on Kubernetes, day by day.

with

progress as (
    select * from {{ ref('migration_progress') }}
),

movers as (
    select lyft_label
    from progress
    group by lyft_label
    having sum(ec2_spend) > 0
)

select
    progress.usage_date,
    place.name as place,
    sum(case when place.name = 'EC2' then progress.ec2_spend else progress.kubernetes_spend end)
        as spend
from progress
inner join movers on progress.lyft_label = movers.lyft_label
inner join {{ ref('time_spine') }} as spine on progress.usage_date = spine.date_day
cross join (values ('EC2'), ('Kubernetes')) as place (name) -- noqa: AL05
where spine.is_complete
group by progress.usage_date, place.name
order by progress.usage_date asc, place.name asc
