-- Shares that are fixed were agreed on for a sub-platform as a whole: no single row of
-- platform_resources may ask for them.

select
    platform,
    sub_platform,
    lyft_label,
    product,
    usage_type,
    cost_model
from {{ ref('stg_seeds__platform_resources') }}
where cost_model = 'fixed'
