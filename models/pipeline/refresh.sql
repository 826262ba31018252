-- The months that the last build refreshed, or still has to refresh, and why.
{{ config(materialized='view') }}

select
    month,
    why
from {{ ref('months') }}
where why is not null
