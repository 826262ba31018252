-- The parts that level 2 hands on, split again.

with

below as (
    {{ handed_on(ref('int_parts_level_2')) }}
),

{{ next_level() }}
