-- The charges of all statements as they were delivered, in our types: each with the hour that it
-- begins in and the hours that it is for.
{{ config(materialized='view', meta={'month': 'billing_period'}) }}

with

charges as (
    select
        charges.*,
        date_trunc('hour', charges.charge_period_start) as usage_hour
    from {{ source('focus', 'charges') }} as charges
),

statements as (
    select * from {{ ref('stg_focus__statements') }}
)

select
    -- who
    statements.statement_id,
    statements.billing_period,
    statements.is_current,
    charges.service_provider_name as provider,
    charges.billing_account_id,
    coalesce(charges.sub_account_id, charges.billing_account_id) as sub_account_id,

    -- what
    charges.charge_category,
    coalesce(charges.charge_class = 'Correction', false) as is_correction,
    coalesce(charges.invoice_id, '') as invoice_id,
    case
        when charges.commitment_discount_category = 'Spend' then ''
        else coalesce(charges.commitment_discount_id, '')
    end as reservation_id,
    case
        when charges.commitment_discount_category = 'Spend'
            then coalesce(charges.commitment_discount_id, '')
        else ''
    end as savings_plan_id,
    charges.commitment_discount_status,
    coalesce(charges.pricing_category, '') as pricing_category,
    coalesce(charges.service_name, '') as service_name,
    coalesce(charges.sku_meter, charges.sku_id, '') as sku,
    coalesce(charges.resource_type, '') as resource_type,
    coalesce(charges.region_id, '') as region_id,
    coalesce({{ json_value('charges.sku_price_details', 'InstanceType') }}, '') as instance_type,
    coalesce(charges.resource_id, '') as resource_id,
    coalesce(cast(charges.tags as {{ dbt.type_string() }}), '{}') as tags,

    -- how much of it
    charges.consumed_quantity,

    -- what it costs
    coalesce(charges.list_cost, 0) as list_cost,
    charges.billed_cost,
    charges.effective_cost,

    -- when
    charges.usage_hour,
    greatest({{ hours_between('charges.usage_hour', 'charges.charge_period_end') }}, 1)
        as interval_hours
from charges
inner join statements on charges._statement_id = statements.statement_id
