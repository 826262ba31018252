-- A cluster is measured in cpu, memory or gpu; what owners push or make is measured in their usage.

select
    platforms.platform,
    platforms.sub_platform,
    platforms.schedule_source,
    cost_models.cost_model
from {{ ref('int_platform_cost_models') }} as cost_models
inner join {{ ref('stg_seeds__platforms') }} as platforms
    on
        cost_models.platform = platforms.platform
        and cost_models.sub_platform = platforms.sub_platform
where (platforms.schedule_source = 'kubernetes') = (cost_models.cost_model = 'usage')
