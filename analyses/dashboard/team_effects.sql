-- Why the spend of a team's services of today changed from month to month: what comes from the
-- length of the months, from using more or less, from prices, and from commitments and discounts.

with

owners as (
    select
        lyft_label,
        team
    from {{ ref('lyft_labels') }}
    where is_current
)

select
    coalesce(owners.team, 'unassigned') as team,
    changes.billing_period,
    changes.is_complete,
    changes.lyft_label as service,
    sum(changes.previous_spend) as previous_spend,
    sum(changes.spend) as spend,
    sum(changes.length_effect) as length_of_month,
    sum(changes.volume_effect) as volume,
    sum(changes.rate_effect) as rate,
    sum(changes.commitment_effect) as commitments_and_discounts
from {{ ref('price_changes') }} as changes
left join owners on changes.lyft_label = owners.lyft_label
where changes.lyft_label is not null
group by
    coalesce(owners.team, 'unassigned'),
    changes.billing_period,
    changes.is_complete,
    changes.lyft_label
order by
    changes.billing_period desc,
    abs(sum(changes.spend) - sum(changes.previous_spend)) desc,
    service asc
