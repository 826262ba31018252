-- Every row of platform_resources finds a charge, or a part that another platform hands on. One
-- that finds nothing is a slip in a label, or about something that is yet to come.
{{ config(severity='warn') }}

with

charges as (
    select distinct
        lyft_label,
        product,
        usage_type
    from {{ ref('int_charges_true_cost') }}
),

parts as (
    select distinct lyft_label
    from {{ ref('int_platform_dependencies') }}
)

select
    resources.platform,
    resources.sub_platform,
    resources.lyft_label,
    resources.product,
    resources.usage_type
from {{ ref('stg_seeds__platform_resources') }} as resources
left join charges
    on
        coalesce(resources.lyft_label, charges.lyft_label) = charges.lyft_label
        and coalesce(resources.product, charges.product) = charges.product
        and charges.usage_type like coalesce(resources.usage_type, '%')
left join parts on resources.lyft_label = parts.lyft_label
where charges.lyft_label is null and parts.lyft_label is null
