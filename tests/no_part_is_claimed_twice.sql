-- A part of a platform's spend goes on to one other platform at most, by one row.

with

handovers as (
    select
        platform,
        sub_platform,
        lyft_label,
        concat(next_platform, ': ', next_sub_platform, ' from ', declared_from) as claim,
        valid_from,
        valid_until
    from {{ refreshed(ref('int_platform_dependencies')) }}
)

select
    one.platform,
    one.sub_platform,
    one.lyft_label,
    one.claim as one_claim,
    other.claim as other_claim
from handovers as one
inner join handovers as other
    on
        one.platform = other.platform
        and one.sub_platform = other.sub_platform
        and one.lyft_label = other.lyft_label
        and one.valid_from < other.valid_until
        and one.valid_until > other.valid_from
where one.claim < other.claim
