-- How far the bill reaches, and up to which day it is complete.

select
    max(date_day) as last_day,
    'from ' || cast(min(date_day) as varchar) || coalesce(
        '; complete to ' || cast(max(case when is_complete then date_day end) as varchar), ''
    ) as note
from {{ ref('time_spine') }}
