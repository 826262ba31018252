-- Only payers whose negotiated discounts (EDP, private pricing) are separate lines without net
-- costs: all of their charges. Each discount line is allocated to the charges that earned it, by
-- their cost, so that none is left as a charge of its own. The line names the account, product and
-- usage type that earned it, and is allocated within the first of these scopes that has eligible
-- charges: the same usage type, product, account, payer. (Discounts in net columns or in a discount
-- map need no allocation.)
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{% set scopes = {
    'usage_type': {'same': ['account_id', 'product', 'usage_type', 'bill_type'], 'marketplace': true},
    'product': {'same': ['account_id', 'product'], 'marketplace': true},
    'account': {'same': ['account_id'], 'marketplace': false},
    'payer': {'same': [], 'marketplace': false},
} %}
{% set bill = ['billing_period', 'payer_account_id'] %}
{% set earned_by = bill + scopes.usage_type.same %}

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
                priced.commitment_pool,
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
        {{ earned_by | join(', ') }},
        min(charge_id) as discount_id,
        sum({{ units('unblended_cost') }}) as discount_units
    from charges
    where charge_class = 'discount'
    group by {{ earned_by | join(', ') }}
),

-- Charges that are paid for earn a discount; covered usage and its negation do not.
eligible as (
    select
        charge_id,
        {{ earned_by | join(', ') }},
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

{% for name, scope in scopes.items() %}
    eligible_by_{{ name }} as (
        select distinct {{ (bill + scope.same) | join(', ') }}
        from eligible
        {% if not scope.marketplace %}where not is_marketplace{% endif %}
    ),

{% endfor %}

scoped as (
    select
        discounts.*,
        case
            {% for name in scopes %}
                when eligible_by_{{ name }}.billing_period is not null then '{{ name }}'
            {% endfor %}
        end as scope
    from discounts
    {% for name, scope in scopes.items() %}
        left join eligible_by_{{ name }}
            on {{ same('discounts', 'eligible_by_' ~ name, bill + scope.same) }}
    {% endfor %}
),

earned as (
    {% for name, scope in scopes.items() %}
        select
            scoped.discount_id,
            scoped.discount_units,
            eligible.charge_id,
            eligible.cost_units
        from scoped
        inner join eligible on {{ same('scoped', 'eligible', bill + scope.same) }}
        where
            scoped.scope = '{{ name }}'
            {% if not scope.marketplace %}and not eligible.is_marketplace{% endif %}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

{{ allocate_largest_remainder(
    'allocated', of='earned', by=['discount_id'], weight='cost_units', whole='max(discount_units)',
    ties=['charge_id'], keep=[]
) }},

discount_of_charge as (
    select
        charge_id,
        {{ from_units('sum(allocated_units)', 'decimal(38, 10)') }} as discount_cost
    from allocated
    group by charge_id
),

net as (
    select
        charges.*,
        case
            when charges.charge_class <> 'discount'
                then charges.unblended_cost + coalesce(discount_of_charge.discount_cost, 0)
            -- No charge is eligible: the discount stays a charge of its own.
            when unallocated.discount_id is not null then charges.unblended_cost
            else 0
        end as net_cost
    from charges
    left join discount_of_charge on charges.charge_id = discount_of_charge.charge_id
    left join scoped as unallocated
        on
            charges.charge_class = 'discount'
            and unallocated.scope is null
            and {{ same('charges', 'unallocated', earned_by) }}
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
    commitment_pool,
    plan_pool,
    instance_plan_pool,
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
