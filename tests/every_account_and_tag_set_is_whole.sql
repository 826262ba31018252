-- What serves a billing period is what was delivered, account by account and tag set by tag set: no
-- line changed its owner on the way.

with

summaries as (
    select
        summaries.assembly_id,
        summaries.account_id,
        coalesce(cast(summaries.tags as {{ dbt.type_string() }}), '{}') as tags,
        sum(summaries.line_count) as line_count
    from {{ refreshed(ref('stg_aws_cur__summaries')) }} as summaries
    inner join {{ refreshed(ref('stg_aws_cur__deliveries'), 'billing_period') }} as deliveries
        on summaries.assembly_id = deliveries.assembly_id
    where deliveries.is_current
    group by
        summaries.assembly_id,
        summaries.account_id,
        coalesce(cast(summaries.tags as {{ dbt.type_string() }}), '{}')
),

landed as (
    select
        line_items._assembly_id as assembly_id,
        line_items.line_item_usage_account_id as account_id,
        coalesce(cast(line_items.resource_tags as {{ dbt.type_string() }}), '{}') as tags,
        count(*) as line_count
    from {{ source('aws_cur', 'line_items') }} as line_items
    inner join {{ refreshed(ref('stg_aws_cur__deliveries'), 'billing_period') }} as deliveries
        on line_items._assembly_id = deliveries.assembly_id
    where deliveries.is_current
    group by
        line_items._assembly_id,
        line_items.line_item_usage_account_id,
        coalesce(cast(line_items.resource_tags as {{ dbt.type_string() }}), '{}')
)

select
    coalesce(summaries.assembly_id, landed.assembly_id) as assembly_id,
    coalesce(summaries.account_id, landed.account_id) as account_id,
    coalesce(summaries.tags, landed.tags) as tags,
    summaries.line_count as lines_delivered,
    landed.line_count as lines_landed
from summaries
full outer join landed
    on
        summaries.assembly_id = landed.assembly_id
        and summaries.account_id is not distinct from landed.account_id
        and summaries.tags = landed.tags
where summaries.line_count is distinct from landed.line_count
