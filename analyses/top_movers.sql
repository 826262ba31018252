-- Whose spend changed most, by at least 10: the last 28 complete days of the bill and the
-- 28 days before, which have the same weekdays. Left out are a day that is still open, and charges
-- for a whole month.

with

{{ compared_spend(['lyft_label', 'current_team']) }}

select
    lyft_label,
    current_team,
    previous_spend,
    spend,
    spend - previous_spend as moved_by,
    case
        when previous_spend > 0
            then cast(100 * (spend - previous_spend) / previous_spend as decimal(18, 1))
    end as moved_by_percent
from compared
where abs(spend - previous_spend) >= 10
order by abs(spend - previous_spend) desc, lyft_label asc
limit 20
