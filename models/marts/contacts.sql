-- The contact of each team, and of the operator of each sub-platform. The newest row of the seeds
-- is used, whatever time is asked about.

with

teams as (
    select
        team,
        contact,
        row_number() over (partition by team order by valid_until desc) as age
    from {{ ref('stg_seeds__teams') }}
),

platforms as (
    select
        platform,
        sub_platform,
        owner,
        notify,
        row_number() over (
            partition by platform, sub_platform
            order by valid_until desc, owner asc, notify asc
        ) as age
    from {{ ref('stg_seeds__platforms') }}
)

select
    -- who
    team,
    cast(null as {{ dbt.type_string() }}) as platform,
    cast(null as {{ dbt.type_string() }}) as sub_platform,

    -- where
    contact
from teams
where age = 1

union all

select
    platforms.owner as team,
    platforms.platform,
    platforms.sub_platform,
    coalesce(platforms.notify, teams.contact) as contact
from platforms
left join teams on platforms.owner = teams.team and teams.age = 1
where platforms.age = 1
