-- The spans of more than an hour that platforms' charges are for: each needs a schedule of its own.
{{ by_period('claimed') }}

select distinct
    billing_period,
    platform,
    sub_platform,
    usage_hour,
    interval_hours
from {{ rebuilt(ref('int_charges_assigned')) }}
where interval_hours > 1
