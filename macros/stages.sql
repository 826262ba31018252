{#-
    The stages of a build, each with the clock that its rows go by, `billing_period` (the month whose
    bill a charge is on) or `usage_month` (the month in which something was used), and the model that
    says which of these months it has to make anew. Where `as_a_whole`, a row depends on those of other
    months, so that they are never made one after the other.
-#}
{% macro stages() -%}
    {{ return({
        'priced': {'clock': 'billing_period', 'rebuilds': 'stg_aws_cur__rebuilds'},
        'restated': {'clock': 'billing_period', 'rebuilds': 'int_rebuilds_restated'},
        'tracked': {'clock': 'usage_month', 'rebuilds': 'stg_kubernetes__rebuilds'},
        'published': {'clock': 'usage_month', 'rebuilds': 'stg_platforms__rebuilds'},
        'charged': {'clock': 'billing_period', 'rebuilds': 'int_rebuilds_charged'},
        'claimed': {'clock': 'billing_period', 'rebuilds': 'int_rebuilds_claimed'},
        'weighed': {'clock': 'usage_month', 'rebuilds': 'int_rebuilds_weighed'},
        'scheduled': {'clock': 'usage_month', 'rebuilds': 'int_rebuilds_scheduled'},
        'split': {'clock': 'billing_period', 'rebuilds': 'int_rebuilds_split'},
        'spent': {'clock': 'usage_month', 'rebuilds': 'int_rebuilds_spent'},
        'compared': {'clock': 'usage_month', 'rebuilds': 'int_rebuilds_compared', 'as_a_whole': true},
        'moved': {'clock': 'billing_period', 'rebuilds': 'int_rebuilds_moved'},
        'owned': {'clock': 'billing_period', 'rebuilds': 'int_rebuilds_owned'},
    }) }}
{%- endmacro %}
