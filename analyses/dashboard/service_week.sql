-- What changed for a service since last week: by platform and product, the last 7 complete days and
-- the 7 days before.

with

{{ compared_spend(['lyft_label', 'platform', 'sub_platform', 'product'], days=7) }}

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
