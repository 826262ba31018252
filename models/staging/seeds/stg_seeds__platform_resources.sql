-- Which charges belong to which platform, as declared; labels normalised.

with

platform_resources as (
    select * from {{ ref('platform_resources') }}
)

select
    -- ids
    platform,
    sub_platform,

    -- what belongs to it
    {{ normalized_label(nfc('lyft_label')) }} as lyft_label,
    product,
    usage_type,

    -- how it is split, if not by the platform's own cost model
    cost_model,

    -- when
    coalesce(cast(valid_from as timestamp), {{ beginning() }}) as valid_from,
    coalesce(cast(valid_until as timestamp), {{ end_of_time() }}) as valid_until
from platform_resources
