-- Spend goes through four platforms at most; what would go on is refused, not left half way.

select distinct
    concat(platform, ': ', sub_platform) as first_platform,
    concat(via_labels, ' > ', lyft_label) as labels,
    concat(next_platform, ': ', next_sub_platform) as would_go_on_to
from {{ refreshed(ref('int_allocation_levels')) }}
where level = {{ deepest_level() }} and next_platform is not null and not is_a_circle
order by first_platform, labels
