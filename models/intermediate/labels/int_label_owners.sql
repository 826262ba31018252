-- Who is declared to own a label, with the org of the team at that time. A label belongs to its
-- team for as long as `label_owners` says so: while no row of `teams` is valid for the team, its
-- org is `unassigned`.
{{ config(materialized='view') }}

with

owners as (
    select * from {{ ref('stg_seeds__label_owners') }}
),

teams as (
    select * from {{ ref('stg_seeds__teams') }}
),

known as (
    select
        team,
        min(valid_from) as known_from,
        max(valid_until) as known_until
    from teams
    group by team
),

orgs as (
    select
        team,
        org,
        valid_from,
        valid_until
    from teams
    union all
    select
        team,
        'unassigned' as org,
        {{ beginning() }} as valid_from,
        known_from as valid_until
    from known
    union all
    select
        team,
        'unassigned' as org,
        known_until as valid_from,
        {{ end_of_time() }} as valid_until
    from known
)

select
    -- who
    owners.lyft_label,
    owners.team,
    coalesce(orgs.org, 'unassigned') as org,

    -- when
    greatest(owners.owned_from, coalesce(orgs.valid_from, {{ beginning() }})) as owned_from,
    least(owners.owned_until, coalesce(orgs.valid_until, {{ end_of_time() }})) as owned_until
from owners
left join orgs
    on
        owners.team = orgs.team
        and owners.owned_from < orgs.valid_until
        and owners.owned_until > orgs.valid_from
        and orgs.valid_from < orgs.valid_until
