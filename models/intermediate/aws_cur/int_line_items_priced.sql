-- The amortized cost of every line, `net_amortized_cost`: DiscountedUsage costs its EffectiveCost,
-- SavingsPlanCoveredUsage its part of the plan, a commitment's fee (RIFee, SavingsPlanRecurringFee)
-- only its unused part; negations, upfront fees and their refunds cost 0, every other line what is
-- billed. So no commitment is counted twice. A savings plan's fee for an hour that has not happened
-- has the class commitment_to_come. Net columns are used where the payer has them.
{{ config(materialized='view', meta={'month': 'billing_period'}) }}

with

-- Reservations whose bill has their fees and not the cost of their usage: AWS gives Dedicated Hosts
-- no amortized columns. Their monthly payment is a fee like any other.
without_costs as (
    select
        commitments.billing_period,
        commitments.payer_account_id,
        commitments.commitment_id as reservation_id
    from {{ ref('stg_aws_cur__commitments') }} as commitments
    inner join {{ ref('stg_aws_cur__deliveries') }} as deliveries
        on commitments.assembly_id = deliveries.assembly_id
    where deliveries.is_current and commitments.is_reservation
    group by commitments.billing_period, commitments.payer_account_id, commitments.commitment_id
    having max(case when commitments.has_costs then 1 else 0 end) = 0
),

line_items as (
    select /*+ broadcast(without_costs) */
        line_items.*,
        coalesce(line_items.usage_hour >= hours_to_come.to_come_from, false) as is_to_come,
        -- A prepayment never was a cost, and neither is its refund. A refund is recognised by its
        -- amount: descriptions are in the language of the account.
        prepaid_amounts.prepaid_cost is not null as is_prepayment_refund,
        without_costs.reservation_id is not null as is_reservation_without_costs,
        discount_sharing.sharing_group
    from {{ ref('stg_aws_cur__line_items') }} as line_items
    left join {{ ref('int_hours_to_come') }} as hours_to_come
        on
            line_items.billing_period = hours_to_come.billing_period
            and line_items.payer_account_id = hours_to_come.payer_account_id
    left join {{ ref('int_prepaid_amounts') }} as prepaid_amounts
        on
            line_items.line_item_type = 'Refund'
            and line_items.payer_account_id = prepaid_amounts.payer_account_id
            and -line_items.unblended_cost = prepaid_amounts.prepaid_cost
            and coalesce(
                nullif(line_items.reservation_id, ''),
                nullif(line_items.savings_plan_id, ''),
                line_items.product
            ) = prepaid_amounts.commitment_id
    left join without_costs
        on
            line_items.line_item_type = 'RIFee'
            and line_items.billing_period = without_costs.billing_period
            and line_items.payer_account_id = without_costs.payer_account_id
            and line_items.reservation_id = without_costs.reservation_id
    left join {{ ref('stg_seeds__discount_sharing') }} as discount_sharing
        on
            line_items.account_id = discount_sharing.account_id
            and line_items.usage_hour >= discount_sharing.valid_from
            and line_items.usage_hour < discount_sharing.valid_until
),

classed as (
    select
        *,
        case
            when line_item_type in ('Usage', 'Fee') and billing_entity = 'AWS Marketplace'
                then 'marketplace'
            when
                line_item_type in (
                    'Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage', 'FlatRateSubscription'
                )
                then 'usage'
            when line_item_type = 'SavingsPlanRecurringFee' and is_to_come
                then 'commitment_to_come'
            when line_item_type = 'RIFee' and is_reservation_without_costs then 'fee'
            when line_item_type in ('RIFee', 'SavingsPlanRecurringFee') then 'commitment_fee'
            when
                line_item_type = 'SavingsPlanUpfrontFee'
                or {{ is_reservation_fee('line_item_type', 'reservation_id', 'usage_type') }}
                then 'commitment_prepayment'
            when line_item_type = 'SavingsPlanNegation' then 'negation'
            when line_item_type = 'Fee' and product like 'AWSSupport%' then 'support'
            when line_item_type = 'Fee' then 'fee'
            when line_item_type = 'Tax' then 'tax'
            when is_negotiated_discount then 'discount'
            when line_item_type in ('Credit', 'BundledDiscount') then 'credit'
            when line_item_type = 'Refund' then 'refund'
            else 'other'
        end as charge_class,
        case
            when pricing_term = 'Spot' or usage_type like '%SpotUsage%' then 'spot'
            when line_item_type in ('DiscountedUsage', 'RIFee') then 'reserved'
            when {{ is_reservation_fee('line_item_type', 'reservation_id', 'usage_type') }}
                then 'reserved'
            when line_item_type like 'SavingsPlan%' then 'savings_plan'
            when line_item_type = 'Usage' then 'on_demand'
            else 'none'
        end as pricing_model,
        -- An unknown short name is used as the region.
        case
            when pool_region = '' then regexp_extract(usage_type, '^([A-Z0-9]+)-', 1)
            else pool_region
        end as commitment_region,
        {{ commitment_family('product', 'usage_type', 'instance_family') }} as commitment_family
    from line_items
),

net as (
    select
        *,
        case
            when not has_net_costs then unblended_cost
            when charge_class = 'discount' then coalesce(net_unblended_cost, 0)
            else coalesce(net_unblended_cost, unblended_cost)
        end as invoiced_cost,
        coalesce({{ net_of('reservation_net_effective_cost') }}, reservation_effective_cost)
            as reserved_cost,
        coalesce(
            {{ net_of('reservation_net_unused_upfront_cost') }}, reservation_unused_upfront_cost, 0
        )
        + coalesce(
            {{ net_of('reservation_net_unused_recurring_cost') }},
            reservation_unused_recurring_cost,
            0
        ) as unused_reservation_cost,
        coalesce({{ net_of('savings_plan_net_effective_cost') }}, savings_plan_effective_cost)
            as planned_cost,
        coalesce(savings_plan_commitment_cost, 0) - coalesce(savings_plan_used_cost, 0)
            as unused_plan_cost,
        -- AWS reports no net form of the commitment; the net ratio of the fee is that of the whole
        -- plan.
        coalesce(savings_plan_recurring_cost, 0)
        + coalesce(savings_plan_amortized_upfront_cost, 0) as plan_cost,
        coalesce({{ net_of('savings_plan_net_recurring_cost') }}, savings_plan_recurring_cost, 0)
        + coalesce(
            {{ net_of('savings_plan_net_amortized_upfront_cost') }},
            savings_plan_amortized_upfront_cost,
            0
        ) as net_plan_cost
    from classed
),

pooled as (
    select
        *,
        case
            when
                line_item_type in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage')
                and charge_class = 'usage'
                and pricing_model <> 'spot'
                and list_cost > 0
                and commitment_family <> ''
                -- Neither column says what a reservation of it covers.
                and not (product = 'AmazonEC2' and operating_system = '' and operation = '')
                and not (
                    product in ('AmazonRDS', 'AmazonElastiCache', 'AmazonMemoryDB')
                    and database_engine = ''
                    and operation = ''
                )
                then concat_ws(
                        '|',
                        product,
                        -- A missing value splits a pool and never joins two: the operation, by
                        -- which AWS bills a system, its software, its licence and its engine, is
                        -- used for everything that the report lacks.
                        commitment_region,
                        commitment_family,
                        operating_system,
                        tenancy,
                        database_engine,
                        deployment_option,
                        license_model,
                        installed_software,
                        database_edition,
                        case
                            when instance_family = '' or commitment_family <> instance_family
                                then null
                            else operation
                        end,
                        sharing_group
                    )
            -- What a savings plan can cover.
            when line_item_type = 'SavingsPlanRecurringFee' and savings_plan_family <> ''
                then {{ instance_plan_pool('savings_plan_region', 'savings_plan_family') }}
            when line_item_type = 'SavingsPlanRecurringFee'
                then concat_ws('|', product, sharing_group)
            else ''
        end as commitment_pool
    from net
)

select
    -- who
    billing_period,
    payer_account_id,
    account_id,

    -- what
    line_item_type,
    bill_type,
    charge_class,
    pricing_model,
    product,
    usage_type,
    operation,
    region,
    instance_type,
    resource_id,
    tags,
    cost_categories,
    {{ carried() }}
    reservation_id,
    savings_plan_id,
    commitment_pool,
    -- What savings plans of any kind can cover it, and what EC2 Instance savings plans.
    case
        when {{ savings_plans_for('product') }} is null then ''
        else concat_ws('|', {{ savings_plans_for('product') }}, sharing_group)
    end as plan_pool,
    case
        when product = 'AmazonEC2' and commitment_pool <> ''
            then {{ instance_plan_pool('commitment_region', 'commitment_family') }}
        else ''
    end as instance_plan_pool,
    has_net_costs,

    -- how much of it
    usage_amount,
    normalized_usage_amount,
    number_of_reservations,
    normalized_units_per_reservation,
    unused_reservation_hours,

    -- what AWS says it cost
    coalesce(list_cost, 0) as list_cost,
    unblended_cost,
    invoiced_cost as net_unblended_cost,
    case
        when line_item_type = 'RIFee'
            then coalesce(
                    {{ net_of('reservation_net_amortized_upfront_cost') }},
                    reservation_amortized_upfront_cost,
                    0
                )
        when line_item_type = 'SavingsPlanRecurringFee'
            then coalesce(
                    {{ net_of('savings_plan_net_amortized_upfront_cost') }},
                    savings_plan_amortized_upfront_cost,
                    0
                )
        else {{ usd(0) }}
    end as amortized_upfront_cost,
    cast(
        case
            when line_item_type = 'DiscountedUsage' then coalesce(reserved_cost, invoiced_cost)
            when line_item_type = 'SavingsPlanCoveredUsage'
                then coalesce(planned_cost, invoiced_cost)
            when charge_class = 'fee' then invoiced_cost
            when line_item_type = 'RIFee' then unused_reservation_cost
            when
                line_item_type = 'SavingsPlanRecurringFee'
                and (unused_plan_cost = 0 or plan_cost = net_plan_cost or plan_cost = 0)
                then unused_plan_cost
            when line_item_type = 'SavingsPlanRecurringFee'
                then {{ scaled('unused_plan_cost', 'net_plan_cost', 'plan_cost') }}
            when charge_class in ('negation', 'commitment_prepayment') then {{ usd(0) }}
            when is_prepayment_refund then {{ usd(0) }}
            else invoiced_cost
        end as decimal(25, 10)
    ) as net_amortized_cost,

    -- The gross parts of a commitment, which different fees pay: a discount on one is not a
    -- discount on the other.
    cast(
        case
            when line_item_type = 'DiscountedUsage'
                then coalesce(reservation_upfront_cost_of_usage, 0)
            when line_item_type = 'RIFee' then coalesce(reservation_unused_upfront_cost, 0)
            else 0
        end
        as decimal(25, 10)
    ) as prepaid_cost,
    cast(
        case
            when line_item_type = 'DiscountedUsage'
                then coalesce(reservation_effective_cost, unblended_cost)
                    - coalesce(reservation_upfront_cost_of_usage, 0)
            when line_item_type = 'RIFee' then coalesce(reservation_unused_recurring_cost, 0)
            when line_item_type = 'SavingsPlanCoveredUsage'
                then coalesce(savings_plan_effective_cost, unblended_cost)
            when line_item_type = 'SavingsPlanRecurringFee' then unused_plan_cost
            else 0
        end
        as decimal(25, 10)
    ) as recurring_cost,

    -- when
    usage_hour,
    grain_hours,
    interval_hours,
    is_period_charge,
    usage_started_at,
    usage_ended_at
from pooled
