-- Where a team is reached, and the sub-platforms that it operates.

select
    team,
    coalesce(platform || ': ' || sub_platform, 'the team') as contact_for,
    contact
from {{ ref('contacts') }}
order by platform asc nulls first, sub_platform asc
