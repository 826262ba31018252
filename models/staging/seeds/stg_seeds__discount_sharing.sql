-- Which accounts share reservations and savings plans only among themselves, and when.

with

discount_sharing as (
    select * from {{ ref('discount_sharing') }}
)

select
    -- ids
    account_id,
    sharing_group,

    -- when
    coalesce(cast(valid_from as timestamp), {{ beginning() }}) as valid_from,
    coalesce(cast(valid_until as timestamp), {{ end_of_time() }}) as valid_until
from discount_sharing
