-- Which team owns which label, and when; labels normalised.

with

label_owners as (
    select * from {{ ref('label_owners') }}
)

select
    -- ids
    {{ normalized_label(nfc('lyft_label')) }} as lyft_label,
    team,

    -- when
    coalesce(cast(owned_from as timestamp), {{ beginning() }}) as owned_from,
    coalesce(cast(owned_until as timestamp), {{ end_of_time() }}) as owned_until
from label_owners
