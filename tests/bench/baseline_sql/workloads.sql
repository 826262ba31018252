-- weigh: pods and workloads
create temp table podw as
select
    cluster,
    namespace,
    pod,
    coalesce(uid, '') as uid,
    workload_kind,
    workload_name,
    cast(labels as varchar) as pod_labels
from w.raw_kubernetes.pods
group by all;


-- weigh: containers
create temp table conts as
with
x as (
    select
        s.sp,
        s.hour,
        s.allocation_base,
        coalesce(h.instance_type, n.instance_type, 'unknown') as itype,
        h.namespace,
        coalesce(p.workload_kind, 'Pod') as kind,
        coalesce(p.workload_name, h.pod) as name,
        h.container,
        coalesce(p.pod_labels, '{}') as pod_labels,
        h.* exclude(namespace, container, instance_type, cluster)
    from w.raw_kubernetes.container_hours h
    join served s on h._collection_id = s.collection and h.cluster = s.cluster
        and h.usage_hour = s.usage_hour
    left join (
        select
            _collection_id,
            cluster,
            usage_hour,
            node,
            instance_type
        from w.raw_kubernetes.node_hours
    ) n on h.instance_type is null and n._collection_id = h._collection_id
        and n.cluster = h.cluster and n.usage_hour = h.usage_hour and n.node = h.node
    left join podw p on p.cluster = h.cluster and p.namespace = h.namespace and p.pod = h.pod
        and p.uid = coalesce(h.uid, '')
)
select
    sp,
    hour,
    allocation_base,
    itype,
    namespace,
    kind,
    name,
    container,
    pod_labels,
    {{ units('sum(coalesce(cpu_request_core_hours,0))') }} as cr,
    {{ units('sum(coalesce(cpu_usage_core_hours,0))') }} as cu,
    {{ units('sum(coalesce(memory_request_gib_hours,0))') }} as mr,
    {{ units('sum(coalesce(memory_usage_gib_hours,0))') }} as mu,
    {{ units('sum(coalesce(gpu_request_gpu_hours,0))') }} as gr,
    {{ units('sum(coalesce(gpu_usage_gpu_hours,0))') }} as gu,
    {{ units('sum(coalesce(network_receive_gib,0)+coalesce(network_transmit_gib,0))') }} as nw,
    sum(case when allocation_base = 'max'
        then greatest(coalesce(cpu_request_core_hours, 0), coalesce(cpu_usage_core_hours, 0))
            end) as cx,
    sum(case when allocation_base = 'max'
        then greatest(coalesce(memory_request_gib_hours, 0), coalesce(memory_usage_gib_hours, 0))
            end) as mx,
    sum(case when allocation_base = 'max'
        then greatest(coalesce(gpu_request_gpu_hours, 0), coalesce(gpu_usage_gpu_hours, 0))
            end) as gx,
    sum(case when allocation_base = 'max'
        then greatest(9000*coalesce(cpu_request_core_hours,
            0) + 1000*coalesce(memory_request_gib_hours, 0) + 90000*coalesce(gpu_request_gpu_hours,
                0), 9000*coalesce(cpu_usage_core_hours, 0) + 1000*coalesce(memory_usage_gib_hours,
                    0) + 90000*coalesce(gpu_usage_gpu_hours, 0)) end) as wx
from x
group by all;


-- weigh: workload ids
create temp table wl as
select
    *,
    row_number() over (order by namespace, kind, name, container, pod_labels) as wid
from (
    select distinct
        namespace,
        kind,
        name,
        container,
        pod_labels
    from conts
);


-- weigh: workloads held
create temp table wheld as
with
ids as (
    select
        c.*,
        wid,
        pid
    from conts c
    join wl using(namespace, kind, name, container, pod_labels)
    join pools on p = itype
),
mods as (
    select distinct
        sp,
        cost_model
    from sched
    join cost using(s)
),
a as (
    select
        i.sp,
        i.hour,
        i.pid,
        i.wid,
        i.namespace,
        sc.cost_model,
        case sc.cost_model when 'cpu' then cr when 'memory' then mr when 'gpu' then gr
            when 'network' then nw when 'storage' then 0
            else 9000::hugeint*cr + 1000::hugeint*mr + 90000::hugeint*gr end as req,
        case sc.cost_model when 'cpu' then cu when 'memory' then mu when 'gpu' then gu
            when 'network' then nw when 'storage' then 0
            else 9000::hugeint*cu + 1000::hugeint*mu + 90000::hugeint*gu end as used,
        case when allocation_base = 'max'
            then {{ wide_units("case sc.cost_model when 'cpu' then cx when 'memory' then mx when 'gpu' then gx when 'network' then nw*0.0000000001 when 'storage' then 0 else wx end") }} end as larger,
        allocation_base
    from ids i
    join mods sc using(sp)
),
b as (
    select
        sp,
        hour,
        pid,
        wid,
        namespace,
        cost_model,
        case allocation_base when 'request' then req when 'usage' then used else larger end as held,
        used
    from a
),
d as (
    from b
    where held > 0
    union all
    select
        sp,
        hour,
        {{ whole }},
        wid,
        namespace,
        cost_model,
        sum(held),
        sum(used)
    from b
    where held > 0
    group by all
)
select
    s.s*{{ hours }} + d.hour as g,
    nsl.l,
    wid,
    held::hugeint as held,
    least(used, held)::hugeint as used
from d
join sched s on s.sp = d.sp and s.pid = d.pid and s.cost_model = d.cost_model and s.served
join nsl using(namespace)
semi join cost on cost.g = s.s*{{ hours }} + d.hour;


-- weigh: workload shares
create temp table wshare as
with
sid as (
    select
        x.*,
        x.rowid as sid
    from schedules x
    semi join cost using(g)
),
o as materialized (
    select
        sid,
        h.wid,
        h.held,
        h.used,
        units
    from wheld h
    join sid on sid.g = h.g and sid.l = h.l
),
{{ deal("dealt", of="o", by="sid", weight="held", whole="max(units)", ties=["wid"], keep=["held", "used"]) }}
select
    g as sid,
    wid,
    dealt as units,
    dealt - cast(dealt::hugeint*used // held as bigint) as idle
from dealt;


-- split: workload spend
create temp table wspend as
with
x as (
    select
        x.rowid as sid,
        x.s,
        x.hour,
        x.l,
        x.units,
        cast(cost.cost as decimal(25, 10)) as cost
    from schedules x
    join cost using(g)
    join sched sc on sc.s = x.s
    join sp on sp.sp = sc.sp
    where schedule_source = 'kubernetes'
),
y as (
    select
        s,
        hour // 24 as day,
        l,
        wid,
        cost*cast(coalesce(w.units, x.units)*0.0000000001::decimal(11, 10) as decimal(11,
            10)) as spend,
        cost*cast(coalesce(idle, 0)*0.0000000001::decimal(11, 10) as decimal(11, 10)) as idle
    from x
    left join wshare w using(sid)
)
select
    sp,
    day,
    l,
    wid,
    sum(spend) as spend,
    sum(idle) as idle
from y
join sched using(s)
group by all;


-- serve: mart workload_spend
create table workload_spend as
with
w as (
    select
        wid,
        namespace,
        kind,
        name,
        container,
        json_extract_string(pod_labels, '/notebook-name') as notebook,
        coalesce(json_extract_string(pod_labels, '/serving.kserve.io~1inferenceservice'),
            json_extract_string(pod_labels,
                '/serving.kubeflow.org~1inferenceservice')) as inference_service,
        json_extract_string(pod_labels, '/pipeline~1runid') as pipeline_run,
        coalesce(json_extract_string(pod_labels, '/katib.kubeflow.org~1experiment'),
            json_extract_string(pod_labels, '/experiment')) as experiment,
        coalesce(json_extract_string(pod_labels, '/katib.kubeflow.org~1trial'),
            json_extract_string(pod_labels, '/trial')) as trial
    from wl
)
select
    platform,
    sub_platform,
    label as lyft_label,
    namespace,
    kind as workload_kind,
    name as workload_name,
    container,
    notebook,
    inference_service,
    pipeline_run,
    experiment,
    trial,
    cast(sum(spend) as decimal(38, 20)) as spend,
    cast(sum(idle) as decimal(38, 20)) as idle_spend,
    date '1970-01-01' + day::int as usage_date
from wspend
join sp using(sp)
join label using(l)
left join w using(wid)
group by all;


-- serve: mart kubernetes_efficiency
create table kubernetes_efficiency as
with
h as (
    select
        sp,
        hour,
        namespace,
        sum(cr) as a,
        sum(cu) as b,
        sum(mr) as d,
        sum(mu) as e
    from conts
    group by all
),
y as (
    select
        sp,
        namespace,
        hour // 24 as day,
        sum(a) as a,
        sum(b) as b,
        sum(d) as d,
        sum(e) as e,
        quantile_disc(b, 0.95) as f,
        quantile_disc(e, 0.95) as g
    from h
    group by all
),
s as (
    select
        sp,
        namespace,
        day,
        sum(spend) as spend,
        sum(idle) as idle
    from wspend
    join wl using(wid)
    group by all
)
select
    sub_platform as cluster,
    coalesce(y.namespace, s.namespace) as namespace,
    cast(a*0.0000000001::decimal(11, 10) as decimal(25, 10)) as cpu_request_core_hours,
    cast(b*0.0000000001::decimal(11, 10) as decimal(25, 10)) as cpu_usage_core_hours,
    cast(d*0.0000000001::decimal(11, 10) as decimal(25, 10)) as memory_request_gib_hours,
    cast(e*0.0000000001::decimal(11, 10) as decimal(25, 10)) as memory_usage_gib_hours,
    cast(f*0.0000000001::decimal(11, 10) as decimal(25, 10)) as suggested_request_cores,
    cast(g*0.0000000001::decimal(11, 10) as decimal(25, 10)) as suggested_request_gib,
    cast(coalesce(spend, 0) as decimal(38, 20)) as spend,
    cast(coalesce(idle, 0) as decimal(38, 20)) as idle_spend,
    date '1970-01-01' + coalesce(y.day, s.day)::int as usage_date
from y
full join s on y.sp = s.sp and y.namespace = s.namespace and y.day = s.day
join sp on sp.sp = coalesce(y.sp, s.sp);
