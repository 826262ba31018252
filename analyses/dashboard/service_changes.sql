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
    spend_change,
    percent_change
from compared
order by coalesce(abs(spend_change), spend) desc, platform asc, product asc
