-- Who is declared to own a label, with the org of the team at that time. A label whose team is not
-- known at all while it owns it keeps its time whole.
{{ config(materialized='view') }}

with

owners as (
    select * from {{ ref('stg_seeds__label_owners') }}
),

teams as (
    select * from {{ ref('stg_seeds__teams') }}
)

select
    -- who
    owners.lyft_label,
    owners.team,
    coalesce(teams.org, 'unassigned') as org,

    -- when
    greatest(owners.owned_from, coalesce(teams.valid_from, {{ beginning() }})) as owned_from,
    least(owners.owned_until, coalesce(teams.valid_until, {{ end_of_time() }})) as owned_until
from owners
left join teams
    on
        owners.team = teams.team
        and owners.owned_from < teams.valid_until
        and owners.owned_until > teams.valid_from
