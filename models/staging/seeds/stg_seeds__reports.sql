-- Which report is used for a payer's billing periods where several cover them. The row that is
-- valid when a period begins decides.

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
