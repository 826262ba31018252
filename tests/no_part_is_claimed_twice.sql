-- A part of a platform's spend goes on to one other platform at most.

select
    one.platform,
    one.sub_platform,
    one.lyft_label,
    concat(one.next_platform, ': ', one.next_sub_platform) as one_claim,
    concat(other.next_platform, ': ', other.next_sub_platform) as other_claim
from {{ ref('int_handovers') }} as one
inner join {{ ref('int_handovers') }} as other
    on
        one.platform = other.platform
        and one.sub_platform = other.sub_platform
        and one.lyft_label = other.lyft_label
        and one.valid_from < other.valid_until
        and one.valid_until > other.valid_from
where
    concat(one.next_platform, ': ', one.next_sub_platform)
    < concat(other.next_platform, ': ', other.next_sub_platform)
