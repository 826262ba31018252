-- The dataset Cost and Usage of FOCUS: every charge, and where a platform splits it every part of
-- it. The columns are FOCUS's in our spelling (`infraspend publish --focus` writes BilledCost and
-- x_TrueCost). A commitment's fee is two charges: the purchase, which costs nothing because it
-- covers later charges, and what nobody used of it.
{{ config(
    materialized='incremental',
    schema='focus',
    enabled=var('focus'),
    unique_key='billing_period',
    partition_by=spark_only('billing_period')
) }}

{% set charge = [
    'billing_period', 'payer_account_id', 'account_id', 'source_label', 'label_rule', 'product',
    'usage_type', 'operation', 'region', 'instance_type', 'pricing_model', 'charge_class',
    'platform', 'sub_platform', 'cost_model', 'requested_capacity_pool', 'usage_hour',
    'interval_hours', 'is_period_charge'
] + said_in_focus() | list %}
{% set amounts = [
    'true_cost', 'invoiced_cost', 'net_amortized_cost', 'unblended_cost', 'list_cost',
    'usage_amount'
] %}
{% set no_text = 'cast(null as ' ~ dbt.type_string() ~ ')' %}
{% set pooled_as = {
    'source_label': 'lyft_label', 'invoiced_cost': 'net_unblended_cost', 'platform': no_text,
    'sub_platform': no_text, 'cost_model': no_text, 'requested_capacity_pool': no_text
} %}
{% set to_come = [] %}
{% for column in charge + amounts %}
    {% do to_come.append(pooled_as.get(column, column)) %}
{% endfor %}

with

with_cost_to_come as (
    select
        {{ (charge + amounts) | join(',\n        ') }}
    from {{ ref('int_charges_matched') }}
    where {{ in_month('billing_period') }}
    union all
    -- Billed already, and nothing that a platform could split yet.
    select
        {{ to_come | join(',\n        ') }}
    from {{ ref('int_charges_true_cost') }}
    where {{ in_month('billing_period') }} and charge_class = 'commitment_to_come'
),

pools as (
    select distinct
        usage_hour,
        interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model
    from {{ ref('int_allocation_levels') }}
    where {{ in_months_of_bill('usage_month') }} and level = 1 and is_served
),

splits as (
    select * from {{ ref('int_allocation_shares') }}
    where {{ in_months_of_bill('usage_month') }}
),

usage_types as (
    select * from {{ ref('stg_aws_cur__usage_types') }}
    where {{ in_month('billing_period') }}
),

accounts as (
    select
        billing_period,
        payer_account_id,
        account_id,
        '' as service_provider_name,
        payer_account_name,
        account_name,
        currency,
        {{ no_text }} as invoice_issuer,
        {{ no_text }} as host_provider
    from {{ ref('stg_aws_cur__accounts') }}
    where {{ in_month('billing_period') }}
    union all
    select
        billing_period,
        billing_account_id as payer_account_id,
        sub_account_id as account_id,
        provider as service_provider_name,
        billing_account_name as payer_account_name,
        sub_account_name as account_name,
        currency,
        invoice_issuer,
        host_provider
    from {{ ref('stg_focus__accounts') }}
    where {{ in_month('billing_period') }}
),

commitments as (
    select * from {{ ref('stg_focus__commitments') }}
    where {{ in_month('billing_period') }}
),

charges as (
    select
        {%- for amount in amounts %}
            cast(sum({{ amount }}) as decimal(25, 10)) as {{ amount }},
        {%- endfor %}
        {{ charge | join(',\n        ') }}
    from with_cost_to_come
    group by {{ charge | join(', ') }}
),

fees_and_charges as (
    select
        *,
        false as is_unused_part
    from charges
    union all
    select
        *,
        true as is_unused_part
    from charges
    where
        charge_class in ('commitment_fee', 'commitment_to_come')
        and (net_amortized_cost <> 0 or true_cost <> 0)
),

categorised as (
    select
        *,
        case
            when charge_class in ('usage', 'unused_commitment') or is_unused_part then 'Usage'
            when charge_class = 'marketplace' and not is_period_charge and usage_amount is not null
                then 'Usage'
            when
                charge_class in (
                    'commitment_fee', 'commitment_to_come', 'commitment_prepayment', 'fee',
                    'support', 'marketplace'
                )
                then 'Purchase'
            when charge_class = 'tax' then 'Tax'
            when charge_class = 'credit' then 'Credit'
            else 'Adjustment'
        end as charge_category,
        is_unused_part or charge_class = 'unused_commitment' as is_unused,
        coalesce(
            nullif(savings_plan_savings_plan_a_r_n, ''), nullif(reservation_reservation_a_r_n, '')
        ) as commitment_id,
        nullif(savings_plan_savings_plan_a_r_n, '') is not null as is_savings_plan
    from fees_and_charges
),

priced as (
    select
        *,
        -- Separated by a character that no bill has.
        md5(
            concat_ws(
                chr(31),
                {%- for column in charge if column != 'source_label' %}
                    coalesce(cast({{ column }} as {{ dbt.type_string() }}), ''),
                {%- endfor %}
                source_label
            )
        ) as charge_id,
        case when is_unused_part then {{ usd(0) }} else invoiced_cost end as billed_cost,
        case
            when charge_class not in ('commitment_fee', 'commitment_to_come') or is_unused_part
                then net_amortized_cost
            else {{ usd(0) }}
        end as effective_cost,
        case
            when charge_class not in ('commitment_fee', 'commitment_to_come') or is_unused_part
                then true_cost
            else {{ usd(0) }}
        end as own_true_cost,
        case
            when is_unused then {{ usd(0) }}
            when charge_category <> 'Usage' then invoiced_cost
            else list_cost
        end as full_list_cost,
        case
            when is_unused then {{ usd(0) }}
            when charge_category <> 'Usage' then invoiced_cost
            -- What it costs without the commitment: nothing is asked for with it.
            when pricing_model in ('reserved', 'committed') then list_cost
            else unblended_cost
        end as contracted_cost,
        case
            when charge_category not in ('Usage', 'Purchase') then null
            when is_unused then net_amortized_cost
            else coalesce(usage_amount, cast(1 as decimal(25, 10)))
        end as pricing_quantity
    from categorised
),

pooled as (
    select
        priced.*,
        case
            when priced.platform is not null then coalesce(pools.capacity_pool, 'all')
        end as capacity_pool
    from priced
    left join pools
        on
            priced.usage_hour = pools.usage_hour
            and priced.interval_hours = pools.interval_hours
            and priced.platform = pools.platform
            and priced.sub_platform = pools.sub_platform
            and priced.requested_capacity_pool = pools.capacity_pool
            and priced.cost_model = pools.cost_model
),

parts as (
    select
        pooled.*,
        usage_types.unit,
        usage_types.description,
        accounts.payer_account_name,
        accounts.account_name,
        pooled.service_provider_name = '' as is_of_report,
        coalesce(nullif(pooled.service_provider_name, ''), 'AWS') as provider,
        coalesce(accounts.invoice_issuer, nullif(pooled.service_provider_name, ''), 'AWS')
            as invoice_issuer,
        case when pooled.service_provider_name = '' then 'AWS' else accounts.host_provider end
            as host_provider,
        commitments.commitment_category,
        commitments.commitment_type,
        commitments.commitment_name,
        splits.proportion is not null as is_split,
        splits.proportion is not null and splits.lyft_label is null as is_given_back,
        coalesce(splits.proportion, cast(1 as decimal(11, 10))) as proportion,
        coalesce(splits.lyft_label, pooled.source_label) as lyft_label,
        coalesce(splits.last_platform, pooled.platform) as last_platform,
        coalesce(splits.last_sub_platform, pooled.sub_platform) as last_sub_platform,
        coalesce(splits.last_capacity_pool, pooled.capacity_pool) as last_capacity_pool,
        coalesce(splits.last_cost_model, pooled.cost_model) as last_cost_model,
        splits.via,
        case when pooled.platform is not null then coalesce(splits.basis, 'unattributed') end
            as basis
    from pooled
    left join splits
        on
            pooled.usage_hour = splits.usage_hour
            and pooled.interval_hours = splits.interval_hours
            and pooled.platform = splits.platform
            and pooled.sub_platform = splits.sub_platform
            and pooled.capacity_pool = splits.capacity_pool
            and pooled.cost_model = splits.cost_model
    left join usage_types
        on
            pooled.billing_period = usage_types.billing_period
            and pooled.product = usage_types.product
            and pooled.usage_type = usage_types.usage_type
    left join accounts
        on
            pooled.billing_period = accounts.billing_period
            and pooled.payer_account_id = accounts.payer_account_id
            and pooled.account_id = accounts.account_id
            and pooled.service_provider_name = accounts.service_provider_name
    left join commitments
        on
            pooled.billing_period = commitments.billing_period
            and pooled.payer_account_id = commitments.billing_account_id
            and pooled.service_provider_name = commitments.provider
            and pooled.commitment_id = commitments.commitment_id
),

named as (
    select
        *,
        -- A warehouse has one currency; charges that are on no line are in it, too.
        coalesce((select max(accounts.currency) from accounts), 'USD') as currency,
        -- Free capacity, and hours of which nothing is known, are allocated to nobody.
        is_split and lyft_label <> 'free' and basis <> 'unattributed' as is_allocated,
        {{ focus_unit('unit') }} as focus_unit,
        coalesce(
            nullif(product, ''),
            case charge_class when 'tax' then 'Tax' when 'support' then 'Support' else provider end
        ) as service_name
    from parts
)

select
    -- when
    billing_period,
    cast(concat(billing_period, '-01') as timestamp) as billing_period_start,
    cast(concat(billing_period, '-01') as timestamp) + interval '1' month as billing_period_end,
    usage_hour as charge_period_start,
    {{ plus_hours('usage_hour', 'interval_hours') }} as charge_period_end,

    -- who
    payer_account_id as billing_account_id,
    payer_account_name as billing_account_name,
    case when is_of_report then 'Payer account' end as billing_account_type,
    account_id as sub_account_id,
    account_name as sub_account_name,
    case when is_of_report then 'Linked account' end as sub_account_type,
    invoice_issuer as invoice_issuer_name,
    provider as service_provider_name,
    case when charge_class <> 'marketplace' then host_provider end as host_provider_name,
    provider as provider_name,
    case when charge_class = 'marketplace' then 'AWS Marketplace' else host_provider end
        as publisher_name,
    nullif(bill_invoice_id, '') as invoice_id,
    case
        when is_of_report and bill_invoice_id <> ''
            then concat(bill_invoice_id, ':', charge_category)
    end as invoice_detail_id,

    -- what
    charge_category,
    case
        when charge_class = 'refund' or bill_bill_type in ('Refund', 'Correction')
            then 'Correction'
    end as charge_class,
    case
        when description is not null and not is_unused then description
        else concat_ws(' ', service_name, nullif(usage_type, ''), replace(charge_class, '_', ' '))
    end as charge_description,
    case
        when charge_category = 'Usage' then 'Usage-Based'
        when charge_class in ('commitment_fee', 'commitment_to_come', 'support', 'tax')
            then 'Recurring'
        when charge_category = 'Purchase' and is_period_charge
            and charge_class <> 'commitment_prepayment'
            then 'Recurring'
        else 'One-Time'
    end as charge_frequency,
    service_name,
    {{ focus_service('service_name') }} as service_category,
    {{ focus_service('service_name', of='subcategory') }} as service_subcategory,
    nullif(region, '') as region_id,
    cast(null as {{ dbt.type_string() }}) as resource_id,
    cast(null as {{ dbt.type_string() }}) as resource_name,
    cast(null as {{ dbt.type_string() }}) as resource_type,
    {{ json_object_of('lyft_label', 'source_label') }} as tags,

    -- by which price
    case
        when not is_of_report then nullif(pricing_category, '')
        when charge_category = 'Purchase' then 'Standard'
        when charge_category <> 'Usage' then null
        when is_unused or pricing_model in ('reserved', 'savings_plan') then 'Committed'
        when pricing_model = 'spot' then 'Dynamic'
        when pricing_model = 'on_demand' then 'Standard'
        else 'Other'
    end as pricing_category,
    cast(pricing_quantity * proportion as decimal(38, 20)) as pricing_quantity,
    case
        when pricing_quantity is null then null
        when is_unused then currency
        else focus_unit
    end as pricing_unit,
    case
        when charge_category = 'Usage' and not is_unused
            then cast(pricing_quantity * proportion as decimal(38, 20))
    end as consumed_quantity,
    case when charge_category = 'Usage' and not is_unused then focus_unit end as consumed_unit,

    -- which commitment
    commitment_id as commitment_discount_id,
    commitment_name as commitment_discount_name,
    case
        when not is_of_report or commitment_id is null then commitment_category
        when is_savings_plan then 'Spend'
        else 'Usage'
    end as commitment_discount_category,
    case
        when not is_of_report or commitment_id is null then commitment_type
        when is_savings_plan then 'Savings Plan'
        else 'Reservation'
    end as commitment_discount_type,
    case
        when commitment_id is null or charge_category <> 'Usage' then null
        when is_unused then 'Unused'
        when is_of_report or pricing_model = 'committed' then 'Used'
    end as commitment_discount_status,

    -- what it cost
    currency as billing_currency,
    cast(billed_cost * proportion as decimal(38, 20)) as billed_cost,
    cast(effective_cost * proportion as decimal(38, 20)) as effective_cost,
    cast(contracted_cost * proportion as decimal(38, 20)) as contracted_cost,
    cast(full_list_cost * proportion as decimal(38, 20)) as list_cost,

    -- whom a platform's part of it goes to
    case when is_split then concat('infraspend:', cost_model) end as allocated_method_id,
    case
        when is_split
            then concat(
                    '{"Elements":[{"AllocatedRatio":',
                    cast(proportion as {{ dbt.type_string() }}),
                    case cost_model
                        when 'storage' then ',"UsageUnit":"GiB-Hours"'
                        {%- for resource, columns in kubernetes_resources().items() %}
                            when '{{ resource }}' then ',"UsageUnit":"{{ columns.focus_unit }}"'
                        {%- endfor %}
                        else ''
                    end,
                    '}]}'
                )
    end as allocated_method_details,
    case
        when is_allocated then concat(last_platform, ':', last_sub_platform, ':', lyft_label)
    end as allocated_resource_id,
    case when is_allocated then lyft_label end as allocated_resource_name,
    case when is_split then {{ json_object_of('lyft_label', 'lyft_label') }} end as allocated_tags,

    -- ours
    charge_id as x_charge_id,
    cast(own_true_cost * proportion as decimal(38, 20)) as x_true_cost,
    proportion as x_proportion,
    lyft_label as x_lyft_label,
    source_label as x_source_label,
    label_rule as x_label_rule,
    charge_class as x_charge_class,
    nullif(usage_type, '') as x_usage_type,
    nullif(operation, '') as x_operation,
    nullif(instance_type, '') as x_instance_type,
    last_platform as x_platform,
    last_sub_platform as x_sub_platform,
    last_capacity_pool as x_capacity_pool,
    last_cost_model as x_cost_model,
    via as x_via,
    basis as x_basis,
    is_given_back as x_is_given_back
from named
