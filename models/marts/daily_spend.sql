-- Spend by day, label and owner: what dashboards read. Each hour's spend stands with the team that
-- owned the label in that hour, and with the team that owns it now.
{{ by_period('owned') }}

with

spend as (
    select * from {{ rebuilt(ref('enriched_spend')) }}
),

labels as (
    select
        lyft_label,
        team,
        org,
        is_current,
        coalesce(owned_from, {{ beginning() }}) as owned_from,
        coalesce(owned_until, {{ end_of_time() }}) as owned_until
    from {{ ref('lyft_labels') }}
),

owned as (
    select
        spend.billing_period,
        spend.account_id,
        spend.lyft_label,
        coalesce(owners.team, 'unassigned') as team,
        coalesce(owners.org, 'unassigned') as org,
        spend.platform,
        spend.sub_platform,
        spend.product,
        spend.charge_class,
        spend.spend,
        spend.is_period_charge,
        cast(spend.usage_hour as date) as usage_date
    from spend
    left join labels as owners
        on
            spend.lyft_label = owners.lyft_label
            and spend.usage_hour >= owners.owned_from
            and spend.usage_hour < owners.owned_until
),

summed as (
    select
        billing_period,
        account_id,
        lyft_label,
        team,
        org,
        platform,
        sub_platform,
        product,
        charge_class,
        is_period_charge,
        usage_date,
        cast(sum(spend) as decimal(38, 20)) as spend
    from owned
    group by
        billing_period,
        account_id,
        lyft_label,
        team,
        org,
        platform,
        sub_platform,
        product,
        charge_class,
        is_period_charge,
        usage_date
)

select
    -- who
    summed.billing_period,
    summed.account_id,
    summed.lyft_label,
    summed.team,
    summed.org,
    coalesce(owners_now.team, 'unassigned') as current_team,
    coalesce(owners_now.org, 'unassigned') as current_org,

    -- through which platform
    summed.platform,
    summed.sub_platform,

    -- what
    summed.product,
    summed.charge_class,

    -- what it cost
    summed.spend,

    -- when
    summed.usage_date,
    summed.is_period_charge
from summed
left join labels as owners_now
    on summed.lyft_label = owners_now.lyft_label and owners_now.is_current
