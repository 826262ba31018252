-- A payer may get negotiated discounts as lines of their own, without net costs (the third way of
-- three: net columns and a discount map need nothing done). Such a line is blended back into the
-- charges that earned it: those of its account, product and usage type, by what they cost; if
-- there are none, those of its account and product, of its account, of its payer. Only such
-- payers' charges are here, whole.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

payers as (
    select distinct
        billing_period,
        payer_account_id
    from {{ ref('int_charges_priced') }}
    where {{ in_month('billing_period') }} and charge_class = 'discount' and not has_net_costs
),

charges as (
    select
        priced.*,
        row_number() over (
            order by
                priced.billing_period,
                priced.payer_account_id,
                priced.account_id,
                priced.charge_class,
                priced.pricing_model,
                priced.product,
                priced.usage_type,
                priced.operation,
                priced.region,
                priced.instance_type,
                priced.resource_id,
                priced.tags,
                priced.cost_categories,
                {{ carried('priced') }}
                priced.reservation_id,
                priced.savings_plan_id,
                priced.pool,
                priced.bill_type,
                priced.usage_hour,
                priced.interval_hours,
                priced.is_period_charge
        ) as charge_id
    from {{ ref('int_charges_priced') }} as priced
    inner join payers
        on
            priced.billing_period = payers.billing_period
            and priced.payer_account_id = payers.payer_account_id
    where {{ in_month('priced.billing_period') }}
),

discounts as (
    select
        billing_period,
        payer_account_id,
        account_id,
        product,
        usage_type,
        bill_type,
        min(charge_id) as discount_id,
        sum({{ units('unblended_cost') }}) as discount_units
    from charges
    where charge_class = 'discount'
    group by billing_period, payer_account_id, account_id, product, usage_type, bill_type
),

-- What a discount can be earned by: what is paid for, not what a commitment covers or negates.
earners as (
    select
        charge_id,
        billing_period,
        payer_account_id,
        account_id,
        product,
        usage_type,
        bill_type,
        charge_class = 'marketplace' as is_marketplace,
        {{ units('unblended_cost') }} as cost_units
    from charges
    where
        unblended_cost > 0
        and (
            charge_class in (
                'commitment_fee',
                'commitment_to_come',
                'commitment_prepayment',
                'fee',
                'support',
                'marketplace'
            )
            or (charge_class = 'usage' and pricing_model in ('on_demand', 'spot', 'none'))
        )
),

by_usage_type as (
    select distinct
        billing_period,
        payer_account_id,
        account_id,
        product,
        usage_type,
        bill_type
    from earners
),

by_product as (
    select distinct
        billing_period,
        payer_account_id,
        account_id,
        product
    from earners
),

by_account as (
    select distinct
        billing_period,
        payer_account_id,
        account_id
    from earners
    where not is_marketplace
),

by_payer as (
    select distinct
        billing_period,
        payer_account_id
    from earners
    where not is_marketplace
),

reached as (
    select
        discounts.billing_period,
        discounts.payer_account_id,
        discounts.account_id,
        discounts.product,
        discounts.usage_type,
        discounts.bill_type,
        discounts.discount_id,
        discounts.discount_units,
        case
            when by_usage_type.account_id is not null then 'usage_type'
            when by_product.account_id is not null then 'product'
            when by_account.account_id is not null then 'account'
            when by_payer.payer_account_id is not null then 'payer'
        end as reach
    from discounts
    left join by_usage_type
        on
            discounts.billing_period = by_usage_type.billing_period
            and discounts.payer_account_id = by_usage_type.payer_account_id
            and discounts.account_id = by_usage_type.account_id
            and discounts.product = by_usage_type.product
            and discounts.usage_type = by_usage_type.usage_type
            and discounts.bill_type = by_usage_type.bill_type
    left join by_product
        on
            discounts.billing_period = by_product.billing_period
            and discounts.payer_account_id = by_product.payer_account_id
            and discounts.account_id = by_product.account_id
            and discounts.product = by_product.product
    left join by_account
        on
            discounts.billing_period = by_account.billing_period
            and discounts.payer_account_id = by_account.payer_account_id
            and discounts.account_id = by_account.account_id
    left join by_payer
        on
            discounts.billing_period = by_payer.billing_period
            and discounts.payer_account_id = by_payer.payer_account_id
),

earned as (
    select
        reached.discount_id,
        reached.discount_units,
        earners.charge_id,
        earners.cost_units
    from reached
    inner join earners
        on
            reached.billing_period = earners.billing_period
            and reached.payer_account_id = earners.payer_account_id
            and reached.account_id = earners.account_id
            and reached.product = earners.product
            and reached.usage_type = earners.usage_type
            and reached.bill_type = earners.bill_type
    where reached.reach = 'usage_type'
    union all
    select
        reached.discount_id,
        reached.discount_units,
        earners.charge_id,
        earners.cost_units
    from reached
    inner join earners
        on
            reached.billing_period = earners.billing_period
            and reached.payer_account_id = earners.payer_account_id
            and reached.account_id = earners.account_id
            and reached.product = earners.product
    where reached.reach = 'product'
    union all
    select
        reached.discount_id,
        reached.discount_units,
        earners.charge_id,
        earners.cost_units
    from reached
    inner join earners
        on
            reached.billing_period = earners.billing_period
            and reached.payer_account_id = earners.payer_account_id
            and reached.account_id = earners.account_id
    where reached.reach = 'account' and not earners.is_marketplace
    union all
    select
        reached.discount_id,
        reached.discount_units,
        earners.charge_id,
        earners.cost_units
    from reached
    inner join earners
        on
            reached.billing_period = earners.billing_period
            and reached.payer_account_id = earners.payer_account_id
    where reached.reach = 'payer' and not earners.is_marketplace
),

{{ deal(
    'dealt', of='earned', by=['discount_id'], weight='cost_units', whole='max(discount_units)',
    ties=['charge_id'], keep=[]
) }},

got_off as (
    select
        charge_id,
        {{ from_units('sum(dealt_units)', 'decimal(38, 10)') }} as discount_cost
    from dealt
    group by charge_id
),

-- A discount that reached no charge stays where it is.
left_alone as (
    select charges.charge_id
    from charges
    inner join reached
        on
            charges.billing_period = reached.billing_period
            and charges.payer_account_id = reached.payer_account_id
            and charges.account_id = reached.account_id
            and charges.product = reached.product
            and charges.usage_type = reached.usage_type
            and charges.bill_type = reached.bill_type
    where charges.charge_class = 'discount' and reached.reach is null
),

net as (
    select
        charges.*,
        case
            when charges.charge_class <> 'discount'
                then charges.unblended_cost + coalesce(got_off.discount_cost, 0)
            when left_alone.charge_id is not null then charges.unblended_cost
            else 0
        end as net_cost
    from charges
    left join got_off on charges.charge_id = got_off.charge_id
    left join left_alone on charges.charge_id = left_alone.charge_id
)

select
    -- who
    billing_period,
    payer_account_id,
    account_id,

    -- what
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
    pool,
    bill_type,
    has_net_costs,

    -- how much of it
    line_count,
    usage_amount,
    normalized_usage_amount,

    -- what it costs
    list_cost,
    unblended_cost,
    amortized_upfront_cost,
    prepaid_cost,
    recurring_cost,
    net_amortized_cost,
    cast(net_cost as decimal(38, 10)) as net_cost,

    -- when
    usage_hour,
    interval_hours,
    is_period_charge
from net
