-- test: true_cost grain
select
    count(*)
from (
    select
        hash(usage_hour, billing_period, payer_account_id, account_id, lyft_label, label_rule,
            product, usage_type, operation, region, instance_type, pricing_model, charge_class,
                is_period_charge) as h
    from true_cost
    group by h
    having count(*) > 1
);


-- test: enriched_spend grain
select
    count(*)
from (
    select
        hash(usage_hour, billing_period, is_period_charge, payer_account_id, account_id,
            lyft_label, platform, sub_platform, capacity_pool, cost_model, interval_hours, via,
                source_label, product, charge_class, basis) as h
    from enriched_spend
    group by h
    having count(*) > 1
);


-- test: attribution_schedule grain
select
    count(*)
from (
    select
        hash(usage_hour, interval_hours, platform, sub_platform, capacity_pool, cost_model,
            lyft_label) as h
    from attribution_schedule
    group by h
    having count(*) > 1
);


-- test: sums to 1
select
    count(*)
from (
    select
        sum(proportion) as p
    from attribution_schedule
    group by usage_hour,
        interval_hours,
        platform,
        sub_platform,
        capacity_pool,
        cost_model
    having p <> 1
);


-- test: daily grain
select
    count(*)
from (
    select
        1
    from daily_spend
    group by usage_date,
        billing_period,
        is_period_charge,
        account_id,
        lyft_label,
        team,
        org,
        platform,
        sub_platform,
        product,
        charge_class
    having count(*) > 1
);


-- test: conserves: split
select
    count(*)
from (
    select
        usage_hour,
        billing_period,
        payer_account_id,
        account_id,
        l,
        product,
        charge_class
    from (
        select
            usage_hour,
            billing_period,
            payer_account_id,
            account_id,
            lyft_label as l,
            product,
            charge_class,
            cast(sum(true_cost) as decimal(38, 20)) as x
        from true_cost
        group by all
        union all
        select
            usage_hour,
            billing_period,
            payer_account_id,
            account_id,
            source_label as l,
            product,
            charge_class,
            -sum(spend) as x
        from enriched_spend
        group by all
    )
    group by all
    having sum(x) <> 0
);


-- test: conserves: daily
select
    count(*)
from (
    select
        d,
        billing_period,
        account_id,
        l,
        platform,
        sub_platform,
        product,
        charge_class,
        is_period_charge
    from (
        select
            cast(usage_hour as date) as d,
            billing_period,
            account_id,
            lyft_label as l,
            platform,
            sub_platform,
            product,
            charge_class,
            is_period_charge,
            sum(spend) as x
        from enriched_spend
        group by all
        union all
        select
            usage_date as d,
            billing_period,
            account_id,
            lyft_label as l,
            platform,
            sub_platform,
            product,
            charge_class,
            is_period_charge,
            -sum(spend) as x
        from daily_spend
        group by all
    )
    group by all
    having sum(x) <> 0
);


-- test: conserves: price
with
a as (
    select
        strftime(bill_billing_period_start_date, '%Y-%m') as p,
        cast(substr(identity_time_interval, 1, 19) as timestamp) as h,
        bill_payer_account_id as y,
        line_item_usage_account_id as u,
        line_item_product_code as c,
        sum(coalesce(line_item_net_unblended_cost, line_item_unblended_cost)) as x
    from w.raw_aws_cur.line_items
    where coalesce(line_item_operation, '') not in ('EKSPod-EC2', 'ECSTask-EC2')
    group by all
),
b as (
    select
        billing_period as p,
        usage_hour as h,
        payer_account_id as y,
        account_id as u,
        product as c,
        sum(net_unblended_cost) as x
    from true_cost
    group by all
)
select
    count(*)
from a
full join b on a.p = b.p and a.h = b.h and a.y = b.y and a.u = b.u
    and nullif(a.c, '') is not distinct
from b.c
where coalesce(a.x, 0) <> coalesce(b.x, 0);


-- test: usage grain
select
    (
    select
        count(*)
    from (
        select
            hash(_collection_id, usage_hour, cluster, node, namespace, pod, uid, container) as h
        from w.raw_kubernetes.container_hours
        group by h
        having count(*) > 1
    )
) + (
    select
        count(*)
    from (
        select
            hash(_collection_id, usage_hour, cluster, namespace, pod, uid) as h
        from w.raw_kubernetes.pods
        group by h
        having count(*) > 1
    )
);


-- test: workloads add up
select
    count(*)
from (
    select
        sid,
        sum(units) as u
    from wshare
    group by 1
) w
join schedules x on x.rowid = w.sid
where w.u <> x.units;


-- test: workloads grain
select count(*)
from (
    select
        hash(
            platform, sub_platform, lyft_label, namespace, workload_kind, workload_name, container,
            notebook, inference_service, pipeline_run, experiment, trial, usage_date
        ) as h
    from workload_spend
    group by h
    having count(*) > 1
);
