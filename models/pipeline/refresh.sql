-- The months that the last build refreshed, or has still to refresh, and why: for people to read.
{{ config(materialized='view') }}

select
    month,
    why
from {{ ref('months') }}
where why is not null
