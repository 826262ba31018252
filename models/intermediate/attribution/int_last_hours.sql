-- The last hour of each month that any platform should have a schedule for.
{{ by_period('weighed', by='usage_month') }}

select
    cast(date_trunc('month', usage_hour) as date) as usage_month,
    max(usage_hour) as last_hour
from {{ rebuilt(ref('int_sub_platform_hours')) }}
group by cast(date_trunc('month', usage_hour) as date)
