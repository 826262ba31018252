-- A part of a platform's spend goes on to one other platform at most, by one row.

with

dependencies as (
    select
        platform,
        sub_platform,
        lyft_label,
        concat(next_platform, ': ', next_sub_platform, ' from ', declared_from) as declared_row,
        valid_from,
        valid_until
    from {{ refreshed(ref('int_platform_dependencies')) }}
)

select
    one.platform,
    one.sub_platform,
    one.lyft_label,
    one.declared_row as one_match,
    other.declared_row as other_match
from dependencies as one
inner join dependencies as other
    on
        one.platform = other.platform
        and one.sub_platform = other.sub_platform
        and one.lyft_label = other.lyft_label
        and one.valid_from < other.valid_until
        and one.valid_until > other.valid_from
where one.declared_row < other.declared_row
