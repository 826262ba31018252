{% macro units(amount) -%}
    {{ return(adapter.dispatch('units')(amount)) }}
{%- endmacro %}

{% macro default__units(amount) -%}
    cast(
        cast({{ amount }} as decimal(38, 10)) * cast(10000000000 as decimal(11, 0))
        as {{ whole_number() }}
    )
{%- endmacro %}

{#-
    Taking the decimal places from a decimal is slow, 0.3 us each time. A double is 40 times faster and
    keeps the fourteen digits of an amount below 10000 and more, so that it rounds to that very number.
-#}
{% macro duckdb__units(amount) -%}
    case
        when {{ amount }} between -10000 and 10000
            then cast(cast(cast({{ amount }} as decimal(38, 10)) as double) * 1e10 as bigint)
        else {{ default__units(amount) }}
    end
{%- endmacro %}
