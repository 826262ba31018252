-- No platform's spend comes back to a platform that has already split it. The row of
-- platform_resources to change is one of those that name these labels.

select distinct
    concat(platform, ': ', sub_platform) as first_platform,
    concat(via_labels, ' > ', lyft_label) as labels,
    concat(next_platform, ': ', next_sub_platform) as comes_back_to
from {{ refreshed(ref('int_allocation_levels')) }}
where is_a_circle
order by first_platform, labels
