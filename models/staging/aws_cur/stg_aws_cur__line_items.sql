-- The bill from the current assemblies, in our names. A billing period is read from one assembly as
-- a whole; rows that repeat a parent's cost for containers (split cost allocation data) are left
-- out. Spark is given hints what is small: it would sort all lines to join them.
{{ config(materialized='view', meta={'month': 'billing_period'}) }}

with

line_items as (
    select * from {{ source('aws_cur', 'line_items') }}
),

deliveries as (
    select * from {{ ref('stg_aws_cur__deliveries') }}
),

control_totals as (
    select * from {{ ref('stg_aws_cur__control_totals') }}
),

named as (
    select /*+ broadcast(deliveries), broadcast(control_totals) */
        -- who
        deliveries.billing_period,
        line_items.bill_payer_account_id as payer_account_id,
        line_items.line_item_usage_account_id as account_id,

        -- what
        line_items.line_item_line_item_type as line_item_type,
        coalesce(line_items.bill_invoice_id, '') as invoice_id,
        coalesce(line_items.bill_bill_type, '') as bill_type,
        coalesce(line_items.bill_billing_entity, '') as billing_entity,
        coalesce(line_items.line_item_product_code, '') as product,
        coalesce(line_items.line_item_usage_type, '') as usage_type,
        coalesce(line_items.line_item_operation, '') as operation,
        coalesce(
            line_items.product_region_code, {{ json_value('line_items.product', 'region') }}, ''
        ) as region,
        coalesce(
            line_items.product_region_code,
            {{ json_value('line_items.product', 'region') }},
            {{ region_of(
                'line_items.line_item_availability_zone', 'line_items.line_item_usage_type'
            ) }},
            ''
        ) as pool_region,
        coalesce(line_items.product_instance_type, '') as instance_type,
        coalesce(
            {{ json_value('line_items.product', 'instance_type_family') }},
            {{ family_of('line_items.product_instance_type') }},
            {{ family_of(
                "nullif(regexp_extract(line_items.line_item_usage_type, ':(.+)$', 1), '')"
            ) }},
            ''
        ) as instance_family,
        coalesce({{ json_value('line_items.product', 'operating_system') }}, '')
            as operating_system,
        coalesce({{ json_value('line_items.product', 'license_model') }}, '') as license_model,
        coalesce({{ json_value('line_items.product', 'pre_installed_sw') }}, '')
            as installed_software,
        coalesce(
            {{ json_value('line_items.product', 'tenancy') }},
            case
                when
                    line_items.line_item_usage_type like '%DedicatedUsage:%'
                    or line_items.line_item_usage_type like '%UnusedDed:%'
                    then 'Dedicated'
                when line_items.line_item_usage_type like '%HostBoxUsage:%' then 'Host'
            end,
            ''
        ) as tenancy,
        coalesce(
            {{ json_value('line_items.product', 'database_engine') }},
            {{ json_value('line_items.product', 'cache_engine') }},
            ''
        ) as database_engine,
        coalesce({{ json_value('line_items.product', 'database_edition') }}, '')
            as database_edition,
        coalesce({{ json_value('line_items.product', 'deployment_option') }}, '')
            as deployment_option,
        coalesce(line_items.pricing_term, '') as pricing_term,
        coalesce(line_items.line_item_line_item_description, '') as description,
        coalesce(line_items.line_item_resource_id, '') as resource_id,
        {{ tags_of_both('line_items.resource_tags', 'line_items.account_tags') }} as tags,
        coalesce(cast(line_items.cost_category as {{ dbt.type_string() }}), '{}')
            as cost_categories,
        {{ carried_from('line_items') }}
        coalesce(line_items.reservation_reservation_a_r_n, '') as reservation_id,
        coalesce(line_items.savings_plan_savings_plan_a_r_n, '') as savings_plan_id,
        -- An EC2 Instance savings plan is for one family in one region.
        case
            when coalesce(line_items.savings_plan_offering_type, 'EC2Instance') like 'EC2Instance%'
                then coalesce(
                        line_items.savings_plan_instance_type_family,
                        nullif(
                            regexp_extract(line_items.line_item_usage_type, 'EC2SP:([^.]+)', 1), ''
                        ),
                        ''
                    )
            else ''
        end as savings_plan_family,
        coalesce(
            nullif(
                regexp_extract(line_items.savings_plan_region, '^[a-z]+(-[a-z]+)+-[0-9]+$', 0), ''
            ),
            line_items.product_region_code,
            {{ json_value('line_items.product', 'region') }},
            {{ region_of(
                'line_items.line_item_availability_zone', 'line_items.line_item_usage_type'
            ) }},
            ''
        ) as savings_plan_region,
        control_totals.has_net_costs,
        -- A bundled discount is part of the price of usage, and no negotiated discount.
        line_items.line_item_line_item_type like '%Discount'
        and line_items.line_item_line_item_type <> 'BundledDiscount' as is_negotiated_discount,

        -- how much of it
        line_items.line_item_usage_amount as usage_amount,
        line_items.line_item_normalized_usage_amount as normalized_usage_amount,
        line_items.reservation_number_of_reservations as number_of_reservations,
        line_items.reservation_normalized_units_per_reservation
            as normalized_units_per_reservation,
        line_items.reservation_unused_quantity as unused_reservation_hours,

        -- what AWS says it cost
        line_items.pricing_public_on_demand_cost as list_cost,
        line_items.line_item_unblended_cost as unblended_cost,
        line_items.line_item_net_unblended_cost as net_unblended_cost,
        line_items.discount_total_discount as discount_cost,
        line_items.reservation_effective_cost,
        line_items.reservation_net_effective_cost,
        line_items.reservation_amortized_upfront_cost_for_usage
            as reservation_upfront_cost_of_usage,
        line_items.reservation_amortized_upfront_fee_for_billing_period
            as reservation_amortized_upfront_cost,
        line_items.reservation_net_amortized_upfront_fee_for_billing_period
            as reservation_net_amortized_upfront_cost,
        line_items.reservation_unused_amortized_upfront_fee_for_billing_period
            as reservation_unused_upfront_cost,
        line_items.reservation_net_unused_amortized_upfront_fee_for_billing_period
            as reservation_net_unused_upfront_cost,
        line_items.reservation_unused_recurring_fee as reservation_unused_recurring_cost,
        line_items.reservation_net_unused_recurring_fee as reservation_net_unused_recurring_cost,
        line_items.savings_plan_savings_plan_effective_cost as savings_plan_effective_cost,
        line_items.savings_plan_net_savings_plan_effective_cost as savings_plan_net_effective_cost,
        line_items.savings_plan_total_commitment_to_date as savings_plan_commitment_cost,
        line_items.savings_plan_used_commitment as savings_plan_used_cost,
        line_items.savings_plan_recurring_commitment_for_billing_period
            as savings_plan_recurring_cost,
        line_items.savings_plan_amortized_upfront_commitment_for_billing_period
            as savings_plan_amortized_upfront_cost,
        line_items.savings_plan_net_recurring_commitment_for_billing_period
            as savings_plan_net_recurring_cost,
        line_items.savings_plan_net_amortized_upfront_commitment_for_billing_period
            as savings_plan_net_amortized_upfront_cost,

        -- when
        deliveries.grain_hours,
        line_items.line_item_usage_start_date as usage_started_at,
        coalesce(
            line_items.line_item_usage_end_date,
            line_items.line_item_usage_start_date + interval '1' hour
        ) as usage_ended_at,
        {{ hour_of_line('line_items', 'deliveries') }} as usage_hour
    from line_items
    inner join deliveries on {{ in_assembly('deliveries') }}
    inner join control_totals
        on
            deliveries.billing_period = control_totals.billing_period
            and line_items.bill_payer_account_id = control_totals.payer_account_id
    where
        deliveries.is_current
        and coalesce(line_items.line_item_operation, '') not in ('EKSPod-EC2', 'ECSTask-EC2')
)

select
    -- who
    billing_period,
    payer_account_id,
    account_id,

    -- what
    line_item_type,
    invoice_id,
    bill_type,
    billing_entity,
    product,
    usage_type,
    operation,
    region,
    pool_region,
    instance_type,
    instance_family,
    operating_system,
    license_model,
    installed_software,
    tenancy,
    database_engine,
    database_edition,
    deployment_option,
    pricing_term,
    description,
    resource_id,
    tags,
    cost_categories,
    {{ carried() }}
    reservation_id,
    savings_plan_id,
    savings_plan_family,
    savings_plan_region,
    has_net_costs,
    is_negotiated_discount,

    -- how much of it
    usage_amount,
    normalized_usage_amount,
    number_of_reservations,
    normalized_units_per_reservation,
    unused_reservation_hours,

    -- what AWS says it cost
    list_cost,
    unblended_cost,
    net_unblended_cost,
    discount_cost,
    reservation_effective_cost,
    reservation_net_effective_cost,
    reservation_upfront_cost_of_usage,
    reservation_amortized_upfront_cost,
    reservation_net_amortized_upfront_cost,
    reservation_unused_upfront_cost,
    reservation_net_unused_upfront_cost,
    reservation_unused_recurring_cost,
    reservation_net_unused_recurring_cost,
    savings_plan_effective_cost,
    savings_plan_net_effective_cost,
    savings_plan_commitment_cost,
    savings_plan_used_cost,
    savings_plan_recurring_cost,
    savings_plan_amortized_upfront_cost,
    savings_plan_net_recurring_cost,
    savings_plan_net_amortized_upfront_cost,

    -- when
    usage_hour,
    grain_hours,
    usage_started_at,
    usage_ended_at,
    {{ hours_between('usage_started_at', 'usage_ended_at') }} > grain_hours as is_period_charge,
    case
        when {{ hours_between('usage_started_at', 'usage_ended_at') }} > grain_hours
            then greatest({{ hours_between('usage_hour', 'usage_ended_at') }}, 1)
        else grain_hours
    end as interval_hours
from named
