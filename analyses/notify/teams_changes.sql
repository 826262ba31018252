-- Labels whose spend of 28 days differs from that of the 28 days before by a quarter, 100 and a
-- thousandth of all spend; and why: the charge that changed most, and the effects
-- behind the label's change from month to month.

with

{{ compared_spend(['lyft_label', 'current_team']) }},

last_days as (
    select max(date_day) as last_day
    from {{ ref('time_spine') }}
    where days_back = 1
),

total as (
    select sum(spend) as spend
    from compared
),

changed as (
    select
        compared.lyft_label,
        compared.current_team,
        compared.spend,
        compared.previous_spend,
        compared.spend - compared.previous_spend as moved_by,
        case when compared.spend > compared.previous_spend then 'more' else 'less' end as direction
    from compared
    cross join total
    where
        abs(compared.spend - compared.previous_spend) >= greatest(100, total.spend / 1000)
        and 4 * abs(compared.spend - compared.previous_spend) >= abs(compared.previous_spend)
),

charges as (
    select
        explained.lyft_label,
        explained.product,
        explained.usage_type,
        explained.last_platform,
        sum(
            case
                when spine.days_back <= 28 then explained.spend
                else -explained.spend
            end
        ) as moved_by
    from {{ ref('explained_spend') }} as explained
    inner join {{ ref('time_spine') }} as spine on explained.usage_date = spine.date_day
    where spine.days_back <= 56 and not explained.is_period_charge
    group by
        explained.lyft_label,
        explained.product,
        explained.usage_type,
        explained.last_platform
),

main_charges as (
    select
        charges.lyft_label,
        charges.product,
        charges.usage_type,
        charges.last_platform,
        charges.moved_by,
        row_number() over (
            partition by charges.lyft_label
            order by
                case
                    when changed.direction = 'more' then charges.moved_by
                    else -charges.moved_by
                end desc,
                charges.product asc,
                charges.usage_type asc,
                charges.last_platform asc
        ) as place
    from charges
    inner join changed on charges.lyft_label = changed.lyft_label
),

last_period as (
    select max(billing_period) as billing_period
    from {{ ref('price_changes') }}
),

effects as (
    select
        effects.lyft_label,
        effects.billing_period,
        max(effects.previous_period) as previous_period,
        sum(effects.length_effect) as length_effect,
        sum(effects.volume_effect) as volume_effect,
        sum(effects.rate_effect) as rate_effect,
        sum(effects.commitment_effect) as commitment_effect
    from {{ ref('price_changes') }} as effects
    inner join last_period on effects.billing_period = last_period.billing_period
    group by effects.lyft_label, effects.billing_period
),

contacts as (
    select * from {{ ref('contacts') }}
    where platform is null
)

select
    contacts.contact as recipient,
    concat(
        changed.lyft_label, ', ', changed.direction, ', ',
        cast(date_trunc('month', last_days.last_day) as date)
    ) as problem,
    last_days.last_day as happened_on,
    abs(changed.moved_by) as spend,
    changed.lyft_label,
    changed.spend as spend_now,
    changed.previous_spend,
    changed.direction,
    abs(main_charges.moved_by) as charge_moved_by,
    main_charges.product,
    main_charges.usage_type,
    main_charges.last_platform,
    effects.previous_period,
    effects.billing_period,
    effects.length_effect,
    effects.volume_effect,
    effects.rate_effect,
    effects.commitment_effect
from changed
cross join last_days
left join main_charges
    on changed.lyft_label = main_charges.lyft_label and main_charges.place = 1
left join effects on changed.lyft_label = effects.lyft_label
left join contacts on changed.current_team = contacts.team
