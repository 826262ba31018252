-- What the services that a team owns today spend most on, last 28 complete days, after every
-- platform's split: usage types, regions and instance types.

select
    coalesce(owners.team, 'unassigned') as team,
    spend.lyft_label as service,
    spend.product,
    spend.usage_type,
    spend.region,
    spend.instance_type,
    sum(spend.spend) as spend
from {{ ref('explained_spend') }} as spend
inner join {{ ref('time_spine') }} as spine on spend.usage_date = spine.date_day
left join {{ ref('lyft_labels') }} as owners
    on spend.lyft_label = owners.lyft_label and owners.is_current
where spine.days_back <= 28 and not spend.is_period_charge
group by
    coalesce(owners.team, 'unassigned'),
    spend.lyft_label,
    spend.product,
    spend.usage_type,
    spend.region,
    spend.instance_type
order by
    spend desc,
    service asc,
    spend.product asc,
    spend.usage_type asc,
    spend.region asc,
    spend.instance_type asc
