-- The parts that level 3 hands on, split again.

with

below as (
    {{ handed_on(ref('int_parts_level_3')) }}
),

{{ next_level() }}
