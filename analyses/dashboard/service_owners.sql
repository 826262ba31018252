-- Who owns a service, and for which period.

select
    lyft_label as service,
    team,
    org,
    owned_from,
    owned_until,
    is_current
from {{ ref('lyft_labels') }}
order by owned_from asc nulls first
