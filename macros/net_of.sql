{#-
    The net cost of a commitment; NULL where it is absent. No discount makes a commitment free, so a
    net cost of 0 beside a cost counts as absent. Where the bill has no net costs, the fees of the
    commitment are gross, and so is the commitment.
-#}
{% macro net_of(column) -%}
    case when has_net_costs then nullif({{ column }}, 0) end
{%- endmacro %}
