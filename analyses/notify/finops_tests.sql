-- Models and tests that failed in the last build, or that an interrupted build left unfinished:
-- until they pass, the published marts do not change. Read from the warehouse, because failures are
-- not published.

with

last_run as (
    select max(noted_at) as noted_at
    from {{ source('pipeline', 'results') }}
)

select
    'finops' as recipient,
    unproven.node as problem,
    cast(last_run.noted_at as date) as happened_on,
    split_part(unproven.node, '.', 3) as node_name,
    unproven.why
from {{ source('pipeline', 'unproven') }} as unproven
cross join last_run
-- A node that is older than what it reads has not failed itself.
where unproven.why like 'its last run%' or unproven.why like 'the run that began it%'
