-- Who owns a label: its team and the team's org, and for which period. Labels that are in use and
-- that no team owns belong to the team `unassigned`.

with

owned as (
    select * from {{ ref('int_label_owners') }}
),

seen as (
    select distinct lyft_label
    from {{ ref('enriched_spend') }}
),

unclaimed as (
    select
        seen.lyft_label,
        'unassigned' as team,
        'unassigned' as org,
        {{ beginning() }} as owned_from,
        {{ end_of_time() }} as owned_until
    from seen
    where
        not exists (
            select 1
            from owned
            where seen.lyft_label = owned.lyft_label
        )
),

labels as (
    select * from owned
    union all
    select * from unclaimed
),

last_hour as (
    select max(usage_last_hour) as usage_hour
    from {{ ref('int_period_months') }}
    where usage_month = billing_period
)

select
    -- when
    nullif(labels.owned_from, {{ beginning() }}) as owned_from,
    nullif(labels.owned_until, {{ end_of_time() }}) as owned_until,
    {{ is_current_owner('labels', 'last_hour.usage_hour') }} as is_current,

    -- who
    labels.lyft_label,
    labels.team,
    labels.org
from labels
cross join last_hour
