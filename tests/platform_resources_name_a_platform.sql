-- Every row of platform_resources names a sub-platform of the seed `platforms`, and says which
-- charges belong to it.

select
    resources.platform,
    resources.sub_platform,
    resources.lyft_label,
    resources.product,
    resources.usage_type
from {{ ref('stg_seeds__platform_resources') }} as resources
left join {{ ref('stg_seeds__platforms') }} as platforms
    on
        resources.platform = platforms.platform
        and resources.sub_platform = platforms.sub_platform
where
    platforms.platform is null
    or coalesce(resources.lyft_label, resources.product, resources.usage_type) is null
