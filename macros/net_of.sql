{#-
    What a net column says of a commitment; NULL where it says nothing. No discount makes a commitment free: a
    net cost of 0 beside a cost is an absent one. And where the bill has no net costs, what pays for the
    commitment is gross, and so is the commitment.
-#}
{% macro net_of(column) -%}
    case when has_net_costs then nullif({{ column }}, 0) end
{%- endmacro %}
