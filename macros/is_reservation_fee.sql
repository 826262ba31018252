{#-
    Whether a line is the upfront fee of a reservation: it names the reservation, or, where the ARN
    was blanked, AWS bills it as heavy usage.
-#}
{% macro is_reservation_fee(line_item_type, reservation_id, usage_type) -%}
    (
        {{ line_item_type }} = 'Fee'
        and ({{ reservation_id }} <> '' or {{ usage_type }} like '%HeavyUsage%')
    )
{%- endmacro %}
