-- Spend by day, label and owner: what dashboards read. Each hour's spend names the team that owned
-- the label in that hour and the team that owns it now. A view, so that a change of owner rebuilds
-- no month.
{{ config(materialized='view', meta={'month': 'billing_period'}) }}

with

spend as (
    select * from {{ ref('daily_spend_unowned') }}
),

owners as (
    select * from {{ ref('int_label_owners') }}
),

last_hour as (
    select max(usage_last_hour) as usage_hour
    from {{ ref('int_period_months') }}
    where usage_month = billing_period
),

owners_now as (
    select owners.*
    from owners
    cross join last_hour
    where {{ is_current_owner('owners', 'last_hour.usage_hour') }}
)

select
    -- when
    spend.usage_date,
    spend.billing_period,
    spend.is_period_charge,

    -- what it cost
    cast(sum(spend.spend) as decimal(38, 20)) as spend,
    cast(sum(spend.invoiced_cost) as decimal(38, 20)) as invoiced_cost,
    cast(sum(spend.net_amortized_cost) as decimal(38, 20)) as net_amortized_cost,

    -- who
    spend.account_id,
    spend.lyft_label,
    coalesce(owners.team, 'unassigned') as team,
    coalesce(owners.org, 'unassigned') as org,
    coalesce(owners_now.team, 'unassigned') as current_team,
    coalesce(owners_now.org, 'unassigned') as current_org,

    -- through which platform
    spend.platform,
    spend.sub_platform,

    -- what
    spend.product,
    spend.charge_class
from spend
left join owners
    on
        spend.lyft_label = owners.lyft_label
        and spend.owned_at >= owners.owned_from
        and spend.owned_at < owners.owned_until
left join owners_now on spend.lyft_label = owners_now.lyft_label
group by
    spend.billing_period,
    spend.account_id,
    spend.lyft_label,
    coalesce(owners.team, 'unassigned'),
    coalesce(owners.org, 'unassigned'),
    coalesce(owners_now.team, 'unassigned'),
    coalesce(owners_now.org, 'unassigned'),
    spend.platform,
    spend.sub_platform,
    spend.product,
    spend.charge_class,
    spend.usage_date,
    spend.is_period_charge
