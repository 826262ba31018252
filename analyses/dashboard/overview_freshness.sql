-- How far the bill reaches, and up to which day it is complete.

select
    max(date_day) as last_day,
    'from ' || strftime(min(date_day), '%-d %b %Y') || coalesce(
        '; complete to ' || strftime(max(case when is_complete then date_day end), '%-d %b %Y'), ''
    ) as note
from {{ ref('time_spine') }}
