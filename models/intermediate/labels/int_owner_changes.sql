-- The hours within a day at which a label gets another owner, or its team another org. Most owners
-- change at midnight: those are left out.
{{ config(materialized='view') }}

with

owners as (
    select * from {{ ref('stg_seeds__label_owners') }}
),

teams as (
    select * from {{ ref('stg_seeds__teams') }}
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
    {% for changed_at in ('valid_from', 'valid_until') %}
        union distinct
        select
            owners.lyft_label,
            teams.{{ changed_at }} as changed_at
        from owners
        inner join teams on owners.team = teams.team
        where
            teams.{{ changed_at }} > owners.owned_from
            and teams.{{ changed_at }} < owners.owned_until
    {% endfor %}
)

select
    lyft_label,
    changed_at
from changes
where changed_at <> date_trunc('day', changed_at)
