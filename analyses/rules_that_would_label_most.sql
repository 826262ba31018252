-- What to label next: the rules that one can add to `label_rules`, by the dollars that each would
-- label by itself of all that the bill has. Several may name the same charge.

select
    match_on,
    match_key,
    match_type,
    match_value,
    sum(would_label) as would_label
from {{ ref('label_gaps') }}
group by match_on, match_key, match_type, match_value
order by would_label desc, match_on asc, match_key asc, match_value asc
