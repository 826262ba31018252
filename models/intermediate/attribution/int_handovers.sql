-- Platforms on platforms: which parts of a platform's spend go on to another platform. A part goes
-- where the row of `platform_resources` that names its label, and nothing else, sends it; a row
-- that also names a product or a usage type speaks of charges on the bill. A sub-platform never
-- hands anything to itself.

with

labels as (
    select distinct
        platform,
        sub_platform,
        lyft_label
    from {{ ref('int_cost_model_weights') }}
    where lyft_label not in ('free', 'unattributed')
),

resources as (
    select * from {{ ref('stg_seeds__platform_resources') }}
    where product is null and usage_type is null
),

platforms as (
    select * from {{ ref('stg_seeds__platforms') }}
)

select
    -- from whom
    labels.platform,
    labels.sub_platform,
    labels.lyft_label,

    -- to whom
    platforms.platform as next_platform,
    platforms.sub_platform as next_sub_platform,
    coalesce(resources.cost_model, platforms.cost_model) as next_cost_model,

    -- when
    greatest(resources.valid_from, platforms.valid_from) as valid_from,
    least(resources.valid_until, platforms.valid_until) as valid_until
from labels
inner join resources on labels.lyft_label = resources.lyft_label
inner join platforms
    on
        resources.platform = platforms.platform
        and resources.sub_platform = platforms.sub_platform
        and resources.valid_from < platforms.valid_until
        and resources.valid_until > platforms.valid_from
where
    labels.platform <> platforms.platform
    or labels.sub_platform <> platforms.sub_platform
