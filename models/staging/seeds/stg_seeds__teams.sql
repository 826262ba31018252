-- Which org a team belongs to, and when.

with

teams as (
    select * from {{ ref('teams') }}
)

select
    -- ids
    team,
    org,
    contact,

    -- when
    coalesce(cast(valid_from as timestamp), {{ beginning() }}) as valid_from,
    coalesce(cast(valid_until as timestamp), {{ end_of_time() }}) as valid_until
from teams
