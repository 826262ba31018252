-- The parts that level 3 hands on, split again.
{{ by_period('scheduled', by='usage_hour') }}

with

below as (
    {{ handed_on(ref('int_parts_level_3')) }}
),

{{ next_level() }}
