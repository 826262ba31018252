{#-
    Common table expressions of a chart that says why a label spends this much: `why` has the charges by the
    label on the bill, the platforms that split them, and the usage that decided on each. They read
    `shown_spend` and `shown_splits`, the rows of explained_spend and explained_splits that the chart shows.
-#}
{% macro why_of_spend() -%}
-- Usage is that of the hour, whatever bill its charges are on.
hours as (
    select
        lyft_label,
        way,
        usage_of,
        basis,
        step,
        usage_label,
        unit,
        max(usage) as usage,
        max(total_usage) as total_usage
    from shown_splits
    group by
        lyft_label,
        way,
        usage_of,
        basis,
        step,
        usage_label,
        unit,
        usage_hour,
        interval_hours
),

platforms as (
    select
        lyft_label,
        way,
        usage_of,
        basis,
        step,
        usage_label || coalesce(
            format(' {:,.2f} of {:,.2f} ', sum(usage), sum(total_usage)) || max(unit), ''
        ) as usage
    from hours
    group by lyft_label, way, usage_of, basis, step, usage_label
),

ways as (
    select
        lyft_label,
        way,
        usage_of,
        basis,
        string_agg(usage, ' > ' order by step) as usage
    from platforms
    group by lyft_label, way, usage_of, basis
),

why as (
    select
        spend.lyft_label as service,
        sum(spend.spend) as spend,
        sum(spend.charge_true_cost) as split_charges,
        {{ charge_in_words('spend') }} as charge,
        spend.account_id,
        {{ label_on_the_bill('spend', 'rules') }} as label_on_the_bill,
        coalesce(spend.way, 'directly') as platforms,
        ways.usage,
        sum(spend.hours) as hours,
        spend.basis,
        spend.usage_of,
        spend.billing_period
    from shown_spend as spend
    left join {{ ref('labelling_rules') }} as rules on spend.label_rule = rules.label_rule
    left join ways
        on
            spend.lyft_label = ways.lyft_label
            and spend.way = ways.way
            and spend.usage_of = ways.usage_of
            and spend.basis = ways.basis
    group by
        spend.lyft_label,
        spend.product,
        spend.usage_type,
        spend.operation,
        spend.charge_class,
        spend.pricing_model,
        spend.account_id,
        spend.source_label,
        spend.label_rule,
        rules.matches,
        spend.way,
        spend.usage_of,
        ways.usage,
        spend.basis,
        spend.billing_period
)
{%- endmacro %}
