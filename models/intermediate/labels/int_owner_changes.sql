-- The hours within a day at which a label gets another owner, or its team another org. Most owners
-- change at midnight: those are left out.
{{ config(materialized='view') }}

with

owners as (
    select * from {{ ref('int_label_owners') }}
),

changes as (
    select
        lyft_label,
        owned_from as changed_at
    from owners
    union distinct
    select
        lyft_label,
        owned_until as changed_at
    from owners
)

select
    lyft_label,
    changed_at
from changes
where changed_at <> date_trunc('day', changed_at)
