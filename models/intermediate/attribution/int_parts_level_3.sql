-- The parts that level 2 hands on, split again.
{{ by_period('scheduled', by='usage_hour') }}

with

below as (
    {{ handed_on(ref('int_parts_level_2')) }}
),

{{ next_level() }}
