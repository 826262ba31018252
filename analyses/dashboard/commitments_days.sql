-- What commitments cost, day by day, used and unused; days to come have neither.

with

daily as (
    select
        cast(usage_hour as date) as usage_date,
        sum(used_cost) as used,
        sum(unused_cost) as unused
    from {{ ref('commitment_usage') }}
    where unused_cost is not null
    group by cast(usage_hour as date)
)

select
    daily.usage_date,
    part.name as part,
    sum(case when part.name = 'used' then daily.used else daily.unused end) as commitment_cost
from daily
cross join (values ('used'), ('unused')) as part (name) -- noqa: AL05
group by daily.usage_date, part.name
order by daily.usage_date asc, part.name desc
