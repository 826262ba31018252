-- What the last 28 complete days cost, and the 28 days before them.

with

{{ compared_spend([]) }}

select
    spend,
    previous_spend
from compared
