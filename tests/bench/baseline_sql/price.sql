-- price: attributes
create temp table attributes as
select
    {% for name, text in line_attributes.items() %}{{ text }} as {{ name }},
    {% endfor %}{{ line_key }} as k
from w.raw_aws_cur.line_items
group by all;


-- check: no two attributes have the same hash
select count(*) = count(distinct k)
from attributes;


-- label: labels
create temp table lab as
with
a as (
    select distinct
        account,
        product,
        cast(tags as varchar) as tags,
        resource,
        era as hour
    from attributes
),
r as (
    select
        *,
        {{ charge_rules.which }} as rule
    from a
)
select
    *,
    coalesce({{ charge_rules.label }}, 'unlabeled') as label
from r;


-- price: charge_dim
create temp table classed as
with
n as (
    select
        a.* exclude(product, usage_type, operation, instance_type, reservation, plan, entity),
        coalesce(a.product, '') as product,
        coalesce(a.usage_type, '') as usage_type,
        coalesce(a.operation, '') as operation,
        coalesce(a.instance_type, '') as instance_type,
        coalesce(a.reservation, '') as reservation,
        coalesce(a.plan, '') as plan,
        coalesce(entity, '') as entity,
        coalesce(nullif(region_code, ''), json_extract_string(a.product_map, '/region'),
            '') as region,
        strftime(period_from, '%Y-%m') as period,
        coalesce(json_extract_string(a.product_map, '/instance_type_family'),
            regexp_replace(a.instance_type, '\.[^.]*(\.(search|elasticsearch))?$', ''),
                '') as family,
        coalesce(json_extract_string(a.product_map, '/operating_system'), '') as os,
        coalesce(json_extract_string(a.product_map, '/tenancy'), '') as tenancy,
        coalesce(json_extract_string(a.product_map, '/database_engine'), '') as engine,
        coalesce(json_extract_string(a.product_map, '/deployment_option'), '') as deployment,
        lab.label,
        lab.rule
    from attributes a
    join lab on a.account = lab.account and a.product is not distinct
    from lab.product and cast(a.tags as varchar) is not distinct
    from lab.tags and a.resource = lab.resource and a.era = lab.hour
    where coalesce(a.operation, '') not in ('EKSPod-EC2', 'ECSTask-EC2')
),
x as (
    select
        *,
        case when line_type in ('Usage', 'Fee') and entity = 'AWS Marketplace' then 'marketplace'
            when line_type in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage',
            'FlatRateSubscription') then 'usage'
                when line_type in ('RIFee', 'SavingsPlanRecurringFee') then 'commitment_fee'
                when line_type = 'SavingsPlanUpfrontFee'
                or (line_type = 'Fee' and reservation <> '') then 'commitment_prepayment'
                when line_type = 'SavingsPlanNegation' then 'negation' when line_type = 'Fee'
                and product like 'AWSSupport%' then 'support' when line_type = 'Fee' then 'fee'
                when line_type = 'Tax' then 'tax' when line_type like '%Discount'
                and line_type <> 'BundledDiscount' then 'discount'
                when line_type in ('Credit', 'BundledDiscount') then 'credit'
                when line_type = 'Refund' then 'refund' else 'other' end as class,
        case when term = 'Spot' or usage_type like '%SpotUsage%' then 'spot'
            when line_type in ('DiscountedUsage', 'RIFee') then 'reserved' when line_type = 'Fee'
            and reservation <> '' then 'reserved'
            when line_type like 'SavingsPlan%' then 'savings_plan'
            when line_type = 'Usage' then 'on_demand' else 'none' end as model,
        case when usage_type like '%EphemeralStorage%' then '' when product = 'AmazonEC2'
            and (usage_type like '%BoxUsage%' or usage_type like '%DedicatedUsage:%') then family
            when product = 'AmazonRDS'
            and (usage_type like '%InstanceUsage%:%' or usage_type like '%Multi-AZ%Usage:%')
            then family when product in ('AmazonDocDB', 'AmazonNeptune')
                and usage_type like '%InstanceUsage%:%' then family
                when product in ('AmazonElastiCache', 'AmazonMemoryDB')
                and usage_type like '%NodeUsage:%' then family when product = 'AmazonRedshift'
                and usage_type like '%Node:%' then family when product = 'AmazonES'
                and usage_type like '%ESInstance:%' then family when product = 'AmazonSageMaker'
                and (usage_type like '%:ml.%' or usage_type like '%-ml.%') then family
                when product in ('AmazonECS', 'AmazonEKS')
                and (usage_type like '%Fargate-%vCPU-Hours%'
                or usage_type like '%Fargate-%GB-Hours%') then 'Fargate'
                when product = 'AWSLambda'
                and (usage_type like '%Lambda-GB-Second%'
                or usage_type like '%Lambda-Provisioned-%') then 'Lambda' else '' end as committed
    from n
)
select
    *,
    case when line_type in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage')
        and class = 'usage' and model <> 'spot' and listed
        and committed <> '' then concat_ws('|', product, region, committed, os, tenancy, engine,
        deployment) else '' end as pool,
    case when class = 'commitment_fee' and model = 'reserved' then '_unused_ri'
        when class = 'commitment_fee' then '_unused_sp' else label end as source_label,
    case when class <> 'commitment_fee' then rule end as source_rule,
    coalesce(hours, 1) as interval_hours,
    hours is not null as is_period,
    case when line_type = 'DiscountedUsage' then 1
        when line_type = 'SavingsPlanCoveredUsage' then 2 when line_type = 'RIFee' then 3
        when line_type = 'SavingsPlanRecurringFee' then 4
        when class in ('negation', 'commitment_prepayment')
        or (line_type = 'Refund'
        and (refund_of like 'Refund for one-time fee for Savings Plan ID%'
        or (reservation <> '' and lower(refund_of) like '%upfront%'))) then 0 else 5 end as kind
from x;


-- price: dim ids
create temp table dim as
with
d as (
    select distinct
        period,
        payer,
        account,
        source_label,
        source_rule,
        class,
        model,
        product,
        usage_type,
        operation,
        region,
        instance_type,
        pool,
        interval_hours,
        is_period
    from classed
    union
    select distinct
        period,
        payer,
        account,
        '_unused_ri',
        null,
        'unused_commitment',
        'reserved',
        product,
        usage_type,
        operation,
        region,
        instance_type,
        '',
        1,
        false
    from classed
    where line_type = 'RIFee'
),
rowed as (
    select
        *,
        row_number() over (order by period, payer, account, source_label, source_rule nulls last,
            product, usage_type, operation, region, instance_type, model, class, is_period,
                interval_hours, pool) as id
    from d
)
select
    *,
    case when pool <> '' then dense_rank() over (order by period, payer, pool) end as pool_id
from rowed;


-- price: attr ids
create temp table attr_ids as
select
    k,
    kind,
    d.id
from classed a
join dim d on a.period = d.period and a.payer = d.payer and a.account = d.account
    and a.source_label = d.source_label and a.source_rule is not distinct
from d.source_rule and a.class = d.class and a.model = d.model and a.product = d.product
    and a.usage_type = d.usage_type and a.operation = d.operation and a.region = d.region
    and a.instance_type = d.instance_type and a.pool = d.pool
    and a.interval_hours = d.interval_hours and a.is_period = d.is_period;


-- price: charges
create temp table charges as
select
    a.id,
    {{ hour_of("cast(substr(identity_time_interval,1,19) as timestamp)") }} as hour,
    sum(line_item_usage_amount) as usage_amount,
    coalesce(sum(pricing_public_on_demand_cost), 0) as list_cost,
    sum(line_item_unblended_cost) as unblended_cost,
    sum(coalesce(line_item_net_unblended_cost, line_item_unblended_cost)) as net_unblended_cost,
    sum(case kind when 5 then coalesce(line_item_net_unblended_cost, line_item_unblended_cost)
        when 0 then 0 when 1
        then coalesce(reservation_net_effective_cost, reservation_effective_cost,
            line_item_net_unblended_cost, line_item_unblended_cost)
                when 2 then coalesce(savings_plan_net_savings_plan_effective_cost,
                savings_plan_savings_plan_effective_cost, line_item_net_unblended_cost,
                    line_item_unblended_cost)
                        when 3 then coalesce(reservation_net_unused_amortized_upfront_fee_for_billing_period, reservation_unused_amortized_upfront_fee_for_billing_period, 0) + coalesce(reservation_net_unused_recurring_fee, reservation_unused_recurring_fee, 0) when 4 then case when (coalesce(savings_plan_total_commitment_to_date, 0)-coalesce(savings_plan_used_commitment, 0)) = 0 or (coalesce(savings_plan_recurring_commitment_for_billing_period, 0) + coalesce(savings_plan_amortized_upfront_commitment_for_billing_period, 0)) = (coalesce(savings_plan_net_recurring_commitment_for_billing_period, savings_plan_recurring_commitment_for_billing_period, 0) + coalesce(savings_plan_net_amortized_upfront_commitment_for_billing_period, savings_plan_amortized_upfront_commitment_for_billing_period, 0)) or (coalesce(savings_plan_recurring_commitment_for_billing_period, 0) + coalesce(savings_plan_amortized_upfront_commitment_for_billing_period, 0)) = 0 then (coalesce(savings_plan_total_commitment_to_date, 0)-coalesce(savings_plan_used_commitment, 0)) else cast(((2*{{ wide_units("(coalesce(savings_plan_total_commitment_to_date,0)-coalesce(savings_plan_used_commitment,0))") }}*{{ wide_units("(coalesce(savings_plan_net_recurring_commitment_for_billing_period,savings_plan_recurring_commitment_for_billing_period,0)+coalesce(savings_plan_net_amortized_upfront_commitment_for_billing_period,savings_plan_amortized_upfront_commitment_for_billing_period,0))") }} + {{ wide_units("(coalesce(savings_plan_recurring_commitment_for_billing_period,0)+coalesce(savings_plan_amortized_upfront_commitment_for_billing_period,0))") }}) // (2*{{ wide_units("(coalesce(savings_plan_recurring_commitment_for_billing_period,0)+coalesce(savings_plan_amortized_upfront_commitment_for_billing_period,0))") }})) * 0.0000000001::decimal(11, 10) as decimal(25, 10)) end end) as net_amortized_cost
from w.raw_aws_cur.line_items
join attr_ids a on a.k = {{ line_key }}
group by a.id,
    hour;


-- price: unused reservations
create temp table unused as
with
fees as (
    select
        d.period,
        d.payer,
        d.account,
        d.product,
        d.usage_type,
        d.operation,
        d.region,
        d.instance_type,
        l.reservation_reservation_a_r_n as arn,
        try_cast(reservation_number_of_reservations as decimal(25, 10)) as number,
        try_cast(reservation_normalized_units_per_reservation as decimal(25, 10)) as per,
        line_item_usage_amount-reservation_unused_quantity as used_hours,
        date_trunc('hour', line_item_usage_start_date) as first_hour,
        line_item_usage_end_date as end_hour,
        coalesce(reservation_net_unused_amortized_upfront_fee_for_billing_period,
            reservation_unused_amortized_upfront_fee_for_billing_period,
                0) + coalesce(reservation_net_unused_recurring_fee,
                    reservation_unused_recurring_fee, 0) as cost
    from w.raw_aws_cur.line_items l
    join attr_ids a on a.k = {{ line_key }}
    join dim d on a.id = d.id
    where line_item_line_item_type = 'RIFee'
),
f as (
    select
        row_number() over () as g,
        period,
        payer,
        account,
        product,
        usage_type,
        operation,
        region,
        instance_type,
        arn,
        {{ wide_units("max(number)") }} as number,
        {{ wide_units("max(per)") }} as per,
        {{ wide_units("sum(used_hours)") }} as used_hours,
        min(first_hour) as first_hour,
        max(end_hour) as end_hour,
        {{ wide_units("sum(cost)") }} as cost
    from fees
    group by all
    having sum(cost) <> 0
),
used as (
    select
        bill_payer_account_id as payer,
        strftime(bill_billing_period_start_date, '%Y-%m') as period,
        reservation_reservation_a_r_n as arn,
        cast(substr(identity_time_interval, 1, 19) as timestamp) as hour,
        {{ wide_units("sum(coalesce(line_item_normalized_usage_amount,line_item_usage_amount))") }} as units
    from w.raw_aws_cur.line_items
    where line_item_line_item_type = 'DiscountedUsage'
    group by all
),
allused as (
    select
        payer,
        period,
        arn,
        sum(units) as units
    from used
    group by all
),
lasts as (
    select
        d.period,
        d.payer,
        max(hour) as h
    from charges
    join dim d using(id)
    where not is_period
    group by all
),
sized as (
    select
        f.*,
        case when make_timestamp(lasts.h*3600000000) >= first_hour
            then least(end_hour, make_timestamp((lasts.h + 1)*3600000000))
                else end_hour end as until,
        coalesce(case when per > 0 then number*per // 10000000000
            when used_hours > 0 then number*allused.units // used_hours end, 0) as reserved
    from f
    left join allused using(payer, period, arn)
    left join lasts using(payer, period)
),
hours as (
    select
        *,
        unnest(generate_series(first_hour, until-interval 1 second, interval 1 hour)) as hour
    from sized
),
wasted as (
    select
        h.g,
        h.cost,
        h.hour,
        greatest(reserved*date_diff('hour', h.hour,
            least(h.until, h.hour + interval 1 hour)) - coalesce(u.units, 0), 0) as w
    from hours h
    left join used u on u.payer = h.payer and u.period = h.period and u.arn = h.arn
        and u.hour = h.hour
),
{{ deal("dealt", of="wasted", by="g", weight="w", whole="max(cost)", ties=["hour"], keep=[]) }}
select
    d.id,
    {{ hour_of("hour") }} as hour,
    sum(dealt) as units
from dealt
join f on f.g = dealt.g
join dim d on d.class = 'unused_commitment' and f.period = d.period and f.payer = d.payer
    and f.account = d.account and f.product = d.product and f.usage_type = d.usage_type
    and f.operation = d.operation and f.region = d.region and f.instance_type = d.instance_type
where dealt <> 0
group by all;


-- price: pools dealt
create temp table pooled as
with
members as (
    select
        c.id,
        hour,
        pool_id*8388608 + hour as g,
        {{ wide_units("list_cost") }} as w,
        {{ wide_units("net_amortized_cost") }} as cost
    from charges c
    join dim d on c.id = d.id
    where d.pool_id is not null
),
{{ deal("dealt", of="members", by="g", weight="w", whole="sum(cost)", ties=["id"], keep=[]) }}
select
    id,
    g%8388608 as hour,
    dealt as units
from dealt;


-- price: true cost
create temp table priced as
select
    c.id,
    c.hour,
    usage_amount,
    list_cost,
    unblended_cost,
    net_unblended_cost,
    net_amortized_cost,
    cast(case when p.id is not null then p.units*0.0000000001::decimal(11, 10)
        when d.class = 'commitment_fee' and d.model = 'reserved' then 0
        else net_amortized_cost end as decimal(25, 10)) as true_cost
from charges c
join dim d on c.id = d.id
left join pooled p on p.id = c.id and p.hour = c.hour
union all
select
    id,
    hour,
    0,
    0,
    0,
    0,
    0,
    cast(units*0.0000000001::decimal(11, 10) as decimal(25, 10))
from unused;


-- serve: mart true_cost
create table true_cost as
with
ids as (
    select
        id,
        min(id) over (partition by period, payer, account, source_label, source_rule, class, model,
            product, usage_type, operation, region, instance_type, is_period) as mid
    from dim
),
s as (
    select
        mid,
        hour,
        sum(usage_amount) as usage_amount,
        sum(list_cost) as list_cost,
        sum(unblended_cost) as unblended_cost,
        sum(net_unblended_cost) as net_unblended_cost,
        sum(net_amortized_cost) as net_amortized_cost,
        sum(true_cost) as true_cost
    from priced
    join ids using(id)
    group by mid,
        hour
)
select
    d.period as billing_period,
    payer as payer_account_id,
    account as account_id,
    source_label as lyft_label,
    source_rule as label_rule,
    nullif(product, '') as product,
    nullif(usage_type, '') as usage_type,
    nullif(operation, '') as operation,
    nullif(region, '') as region,
    nullif(instance_type, '') as instance_type,
    model as pricing_model,
    class as charge_class,
    cast(usage_amount as decimal(25, 10)) as usage_amount,
    cast(list_cost as decimal(25, 10)) as list_cost,
    cast(unblended_cost as decimal(25, 10)) as unblended_cost,
    cast(net_unblended_cost as decimal(25, 10)) as net_unblended_cost,
    cast(net_amortized_cost as decimal(25, 10)) as net_amortized_cost,
    cast(true_cost as decimal(25, 10)) as true_cost,
    make_timestamp(hour*3600000000) as usage_hour,
    is_period as is_period_charge
from s
join dim d on s.mid = d.id;
