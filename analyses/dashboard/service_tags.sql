-- What a service spends by each chosen tag, the columns of the report that the variable
-- `carry_columns` names, last 28 complete days. Each tag adds up to the spend of these days.

{% for column in carried_columns(of_marts=true) %}
    select
        spend.lyft_label as service,
        '{{ column }}' as tag,
        spend.{{ column }} as tag_value,
        sum(spend.spend) as spend
    from {{ ref('enriched_spend') }} as spend
    inner join {{ ref('time_spine') }} as spine
        on cast(spend.usage_hour as date) = spine.date_day
    where spine.days_back <= 28 and not spend.is_period_charge
    group by spend.lyft_label, spend.{{ column }}
    {{ 'union all' if not loop.last else 'order by tag asc, spend desc, tag_value asc' }}
{% else %}
    select
        spend.lyft_label as service,
        cast(null as varchar) as tag,
        cast(null as varchar) as tag_value,
        spend.spend
    from {{ ref('enriched_spend') }} as spend
    where false
{% endfor %}
