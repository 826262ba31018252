{% macro _bases() -%}
    {{ return([
        'measured', 'pushed', 'ready_made', 'sub_platform', 'interpolated', 'carried_forward',
        'estimated', 'unattributed'
    ]) }}
{%- endmacro %}

{% macro basis_rank(basis) -%}
    case {{ basis }}
        {%- for name in _bases() %}
        when '{{ name }}' then {{ loop.index }}
        {%- endfor %}
    end
{%- endmacro %}

{% macro basis_of_rank(rank) -%}
    case {{ rank }}
        {%- for name in _bases() %}
        when {{ loop.index }} then '{{ name }}'
        {%- endfor %}
    end
{%- endmacro %}
