-- Which report serves a payer's billing periods where several cover them. A period belongs to the
-- rows that are in force when it begins.

with

reports as (
    select * from {{ ref('reports') }}
)

select
    -- ids
    report,
    payer_account_id,

    -- when
    coalesce(cast(valid_from as timestamp), {{ beginning() }}) as valid_from,
    coalesce(cast(valid_until as timestamp), {{ end_of_time() }}) as valid_until
from reports
