-- How far the bill reaches.

select
    max(usage_date) as last_day,
    'from ' || cast(min(usage_date) as varchar) as note
from {{ ref('daily_spend') }}
