-- What changed for a service: by platform and product, the last 28 complete days and the 28 days
-- before.

with

{{ compared_spend(['lyft_label', 'platform', 'sub_platform', 'product']) }}

select
    lyft_label as service,
    coalesce(platform || ': ' || sub_platform, 'directly') as platform,
    product,
    spend,
    previous_spend,
    spend - previous_spend as moved_by
from compared
order by coalesce(abs(spend - previous_spend), spend) desc, platform asc, product asc
