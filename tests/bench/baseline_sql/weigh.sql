-- weigh: dimensions
create temp table sp as
select
    row_number() over (order by platform, sub_platform) as sp,
    *
from w.staging.stg_seeds__platforms;

create temp table model as
select distinct
    sp,
    m.cost_model
from sp
join (
    select
        platform,
        sub_platform,
        cost_model
    from w.staging.stg_seeds__platforms
    union
    select
        platform,
        sub_platform,
        cost_model
    from w.staging.stg_seeds__platform_resources
    where cost_model is not null
) m using(platform, sub_platform);


-- weigh: served hours
create temp table served as
select
    s._collection_id as collection,
    s.cluster,
    {{ hour_of("s.usage_hour") }} as hour,
    s.usage_hour,
    sp.sp,
    sp.allocation_base,
    cast(least(samples*10000000000 // expected_samples, 10000000000) as bigint) as coverage,
    sp.min_coverage
from w.raw_kubernetes.scrape_hours s
join w.raw_kubernetes.collections k on s._collection_id = k.collection_id
join sp on sp.sub_platform = s.cluster and sp.schedule_source = 'kubernetes'
qualify row_number() over (partition by s.cluster, s.usage_hour order by k.collected_at desc,
    k.landed_at desc, k.collection_id) = 1;


-- weigh: namespace labels
create temp table ns as
with
n as (
    select distinct
        namespace
    from w.raw_kubernetes.container_hours
    union
    select distinct
        namespace
    from w.raw_kubernetes.volume_hours
    where namespace is not null
),
r as (
    select
        namespace,
        {{ namespace_rules.which }} as rule
    from (
        select
            *,
            timestamp '2026-11-01' as hour
        from n
    )
)
select
    namespace,
    coalesce({{ namespace_rules.label }}, case
        when {{ normalized('namespace') }} in {{ reserved }}
        then concat('namespace:', {{ normalized('namespace') }})
            else {{ normalized('namespace') }} end) as label
from r;


-- weigh: labels
create temp table label as
select
    label,
    row_number() over (order by label) as l
from (
    select
        label
    from ns
    union
    select
        'free'
    union
    select
        'unattributed'
    union
    select distinct
        lyft_label
    from w.raw_platforms.usage
    union
    select distinct
        lyft_label
    from w.raw_platforms.schedules
    union
    select distinct
        source_label
    from dim
);


-- weigh: dimensions
create temp table nsl as
select
    namespace,
    l
from ns
join label using(label); create temp table pools as
select
    p,
    row_number() over (order by p)-1 as pid
from (
    select
        'all' as p
    union
    select
        'unknown'
    union
    select distinct
        instance_type
    from w.raw_kubernetes.node_hours
    where instance_type is not null
    union
    select distinct
        instance_type
    from w.raw_kubernetes.container_hours
    where instance_type is not null
);


-- weigh: held
create temp table held as
with
ch as (
    select
        s.sp,
        s.hour,
        coalesce(h.instance_type, n.instance_type, 'unknown') as itype,
        h.*,
        s.allocation_base
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
),
single as (
    select
        sp,
        hour,
        itype,
        namespace,
        sum(cpu_request_core_hours) as cpu,
        sum(memory_request_gib_hours) as memory,
        sum(gpu_request_gpu_hours) as gpu,
        sum(coalesce(network_receive_gib, 0) + coalesce(network_transmit_gib, 0)) as network,
        sum(running_hours) as pods
    from ch
    where allocation_base = 'request'
    group by all
),
pods as (
    select
        sp,
        hour,
        itype,
        node,
        namespace,
        pod,
        uid,
        sum(coalesce(cpu_request_core_hours, 0)) as a,
        sum(coalesce(cpu_usage_core_hours, 0)) as b,
        sum(coalesce(memory_request_gib_hours, 0)) as d,
        sum(coalesce(memory_usage_gib_hours, 0)) as e,
        sum(coalesce(gpu_request_gpu_hours, 0)) as f,
        sum(coalesce(gpu_usage_gpu_hours, 0)) as g,
        sum(coalesce(network_receive_gib, 0) + coalesce(network_transmit_gib, 0)) as network,
        max(running_hours) as pods
    from ch
    where allocation_base = 'max'
    group by all
),
many as (
    select
        sp,
        hour,
        itype,
        namespace,
        sum(greatest(a, b)) as cpu,
        sum(greatest(d, e)) as memory,
        sum(greatest(f, g)) as gpu,
        sum(network) as network,
        sum(pods) as pods
    from pods
    group by all
),
u as (
    from single
    union all
    from many
)
select
    u.sp,
    u.hour,
    pid,
    l,
    {{ units('sum(coalesce(cpu,0))') }} as cpu,
    {{ units('sum(coalesce(memory,0))') }} as memory,
    {{ units('sum(coalesce(gpu,0))') }} as gpu,
    {{ units('sum(coalesce(network,0))') }} as network,
    {{ units('sum(pods)') }} as pods
from u
join nsl using(namespace)
join pools on p = itype
group by u.sp,
    u.hour,
    pid,
    l;


-- weigh: offered
create temp table offered as
select
    s.sp,
    s.hour,
    pid,
    {{ units('sum(coalesce(cpu_capacity_core_hours,0))') }} as cpu,
    {{ units('sum(coalesce(memory_capacity_gib_hours,0))') }} as memory,
    {{ units('sum(coalesce(gpu_capacity_gpu_hours,0))') }} as gpu
from w.raw_kubernetes.node_hours h
join served s on h._collection_id = s.collection and h.cluster = s.cluster
    and h.usage_hour = s.usage_hour
join pools on p = coalesce(h.instance_type, 'unknown')
group by all;


-- weigh: volumes
create temp table volumes as
select
    s.sp,
    s.hour,
    coalesce(l, 0) as l,
    {{ units('sum(capacity_gib_hours)') }} as storage
from w.raw_kubernetes.volume_hours h
join served s on h._collection_id = s.collection and h.cluster = s.cluster
    and h.usage_hour = s.usage_hour
left join nsl using(namespace)
group by all;


-- weigh: wide
create temp table wide as
with
p as (
    select
        sp,
        hour,
        pid,
        l,
        cpu,
        memory,
        gpu,
        network,
        pods,
        0::bigint as storage
    from held
    union all
    select
        sp,
        hour,
        pid,
        0,
        cpu,
        memory,
        gpu,
        0,
        0,
        0
    from offered
),
w as (
    select
        sp,
        hour,
        l,
        cpu,
        memory,
        gpu,
        network,
        pods,
        storage
    from p
    union all
    select
        sp,
        hour,
        l,
        0,
        0,
        0,
        0,
        0,
        storage
    from volumes
    where l > 0
    union all
    select
        sp,
        hour,
        0,
        0,
        0,
        0,
        0,
        0,
        storage
    from volumes
)
from p
union all
select
    sp,
    hour,
    {{ whole }},
    l,
    sum(cpu)::bigint,
    sum(memory)::bigint,
    sum(gpu)::bigint,
    sum(network)::bigint,
    sum(pods)::bigint,
    sum(storage)::bigint
from w
group by all;


-- weigh: pushed
create temp table pushed as
with
u as (
    select
        sp.sp,
        {{ hour_of("u.usage_hour") }} as hour,
        l,
        usage,
        dense_rank() over (partition by u.platform, u.sub_platform,
            u.usage_hour order by d.delivered_at desc, d.landed_at desc, d.delivery_id) as age
    from w.raw_platforms.usage u
    join w.raw_platforms.deliveries d on u._delivery_id = d.delivery_id
    join sp on sp.platform = u.platform and sp.sub_platform = u.sub_platform
        and sp.schedule_source = 'pushed'
    join label on label = lyft_label
    where u.capacity_pool is null
),
s as (
    select
        sp.sp,
        {{ hour_of("u.usage_hour") }} as hour,
        l,
        proportion,
        dense_rank() over (partition by u.platform, u.sub_platform,
            u.usage_hour order by d.delivered_at desc, d.landed_at desc, d.delivery_id) as age
    from w.raw_platforms.schedules u
    join w.raw_platforms.deliveries d on u._delivery_id = d.delivery_id
    join sp on sp.platform = u.platform and sp.sub_platform = u.sub_platform
        and sp.schedule_source = 'ready_made'
    join label on label = lyft_label
    where u.capacity_pool is null
),
t as (
    select
        sp*8388608 + hour as g,
        l,
        {{ units('sum(proportion)') }} as w
    from s
    where age = 1
    group by all
),
{{ deal("dealt", of="t", by="g", weight="w", whole="10000000000", ties=["l"], keep=[]) }}
select
    sp,
    hour,
    l,
    {{ units('sum(usage)') }} as units
from u
where age = 1
group by all
union all
select
    g // 8388608,
    g%8388608,
    l,
    dealt
from dealt;


-- weigh: hours
create temp table hours as
with
seen as (
    select
        sp,
        hour,
        coverage,
        coverage*0.0000000001::decimal(11, 10) >= min_coverage as good
    from served
    union all
    select distinct
        sp,
        hour,
        null::bigint,
        true
    from pushed
),
bill as (
    select
        min(hour) as a,
        max(hour) + 1 as b
    from charges
    join dim using(id)
    where not is_period
),
cal as (
    select
        sp,
        unnest(range(a, b)) as hour
    from sp
    cross join bill
)
select
    cal.sp,
    cal.hour,
    coverage,
    coalesce(good, false) as good,
    max(case when good then cal.hour
        end) over (partition by cal.sp order by cal.hour rows between unbounded preceding
            and 1 preceding) as before,
    min(case when good then cal.hour
        end) over (partition by cal.sp order by cal.hour rows between 1 following
            and unbounded following) as after
from cal
left join seen on cal.sp = seen.sp and cal.hour = seen.hour;


-- check: only platforms that push have gaps, and all are short enough to interpolate
select count(*) = 0
from hours
join sp using(sp)
where
    not good
    and (
        schedule_source = 'kubernetes'
        or coalesce(after - before - 1 > interpolate_hours, true)
    );


-- weigh: pushed laddered
create temp table declared as
select
    sp,
    hour,
    l,
    units::hugeint*{{ parts }} as w,
    false as gap
from pushed
union all
select
    h.sp,
    h.hour,
    l,
    sum(units::hugeint*parts)::hugeint,
    true
from (
    select
        sp,
        hour,
        before as lender,
        (after-hour)*({{ parts }} // (after-before)) as parts
    from hours
    where not good
    union all
    select
        sp,
        hour,
        after,
        (hour-before)*({{ parts }} // (after-before))
    from hours
    where not good
) h
join pushed p on p.sp = h.sp and p.hour = h.lender
group by all;


-- weigh: dimensions
create temp table sched as
select
    row_number() over (order by sp, cost_model, pid, served, measured) as s,
    *
from (
    select
        m.sp,
        m.cost_model,
        pid,
        true as served,
        schedule_source <> 'pushed' or free_policy <> 'spread' as measured
    from model m
    join sp using(sp)
    cross join pools
    where schedule_source = 'kubernetes' or pid = 0
    union
    select
        m.sp,
        m.cost_model,
        0,
        false,
        true
    from model m
    join sp using(sp)
    where free_policy = 'spread'
);


-- weigh: weights
create temp table weights as
with
tot as materialized (
    select
        sp,
        hour,
        pid,
        sum(case when l = 0 then cpu else 0 end)::bigint as cpu_c,
        sum(case when l > 0 then cpu else 0 end)::bigint as cpu_a,
        sum(case when l = 0 then memory else 0 end)::bigint as memory_c,
        sum(case when l > 0 then memory else 0 end)::bigint as memory_a,
        sum(case when l = 0 then gpu else 0 end)::bigint as gpu_c,
        sum(case when l > 0 then gpu else 0 end)::bigint as gpu_a,
        sum(case when l = 0 then network else 0 end)::bigint as network_c,
        sum(case when l > 0 then network else 0 end)::bigint as network_a,
        sum(case when l = 0 then storage else 0 end)::bigint as storage_c,
        sum(case when l > 0 then storage else 0 end)::bigint as storage_a
    from wide
    group by sp,
        hour,
        pid
),
mx as (
    select
        w.sp,
        w.hour,
        w.pid,
        w.l,
        greatest(case when cpu > 0 then cpu::hugeint*{{ shares }} // greatest(cpu_c, cpu_a)
            else 0 end, case when memory > 0
            then memory::hugeint*{{ shares }} // greatest(memory_c, memory_a) else 0 end, case
                when gpu > 0 then gpu::hugeint*{{ shares }} // greatest(gpu_c, gpu_a)
                else 0 end) as w
    from wide w
    join tot t on w.sp = t.sp and w.hour = t.hour and w.pid = t.pid
    where w.l > 0 and w.sp in (
        select
            sp
        from model
        where cost_model = 'max'
    ) and greatest(cpu, memory, gpu) > 0
),
mxr as (
    select
        t.sp,
        t.hour,
        t.pid,
        {{ shares }}-coalesce(sum(w), 0) as w
    from tot t
    left join mx on mx.sp = t.sp and mx.hour = t.hour and mx.pid = t.pid
    where t.sp in (
        select
            sp
        from model
        where cost_model = 'max'
    ) and greatest(cpu_c, memory_c, gpu_c) > 0
    group by all
    having coalesce(sum(w), 0) + count(w) <= {{ shares }}
),
wt as (
    select
        w.sp,
        w.hour,
        w.pid,
        w.l,
        9000::hugeint*case when cpu = 0 then 0
            when cpu_a > (case when cpu_c = 0 then cpu_a else cpu_c end)
            then cpu::hugeint*{{ parts }}*cpu_c // cpu_a
                else cpu::hugeint*{{ parts }} end + 1000::hugeint*case when memory = 0 then 0
                when memory_a > (case when memory_c = 0 then memory_a else memory_c end)
                then memory::hugeint*{{ parts }}*memory_c // memory_a
                    else memory::hugeint*{{ parts }} end + 90000::hugeint*case when gpu = 0 then 0
                    when gpu_a > (case when gpu_c = 0 then gpu_a else gpu_c end)
                    then gpu::hugeint*{{ parts }}*gpu_c // gpu_a
                        else gpu::hugeint*{{ parts }} end as w
    from wide w
    join tot t on w.sp = t.sp and w.hour = t.hour and w.pid = t.pid
    where w.l > 0 and w.sp in (
        select
            sp
        from model
        where cost_model = 'weighted'
    ) and greatest(cpu, memory, gpu) > 0
),
wtr as (
    select
        sp,
        hour,
        pid,
        9000::hugeint*{{ parts }}*greatest(cpu_c-cpu_a,
            0) + 1000::hugeint*{{ parts }}*greatest(memory_c-memory_a,
                0) + 90000::hugeint*{{ parts }}*greatest(gpu_c-gpu_a, 0) as w
    from tot
    where sp in (
        select
            sp
        from model
        where cost_model = 'weighted'
    ) and greatest(cpu_c-cpu_a, memory_c-memory_a, gpu_c-gpu_a) > 0
),
m as (
    select
        sp,
        hour,
        pid,
        'cpu' as cost_model,
        l,
        cpu::hugeint*{{ parts }} as w
    from wide
    where l > 0 and cpu > 0 and sp in (
        select
            sp
        from model
        where cost_model = 'cpu'
    )
    union all
    select
        sp,
        hour,
        pid,
        'cpu',
        {{ free }},
        (cpu_c-cpu_a)::hugeint*{{ parts }}
    from tot
    where cpu_c > cpu_a and sp in (
        select
            sp
        from model
        where cost_model = 'cpu'
    )
    union all
    select
        sp,
        hour,
        pid,
        'memory' as cost_model,
        l,
        memory::hugeint*{{ parts }} as w
    from wide
    where l > 0 and memory > 0 and sp in (
        select
            sp
        from model
        where cost_model = 'memory'
    )
    union all
    select
        sp,
        hour,
        pid,
        'memory',
        {{ free }},
        (memory_c-memory_a)::hugeint*{{ parts }}
    from tot
    where memory_c > memory_a and sp in (
        select
            sp
        from model
        where cost_model = 'memory'
    )
    union all
    select
        sp,
        hour,
        pid,
        'gpu' as cost_model,
        l,
        gpu::hugeint*{{ parts }} as w
    from wide
    where l > 0 and gpu > 0 and sp in (
        select
            sp
        from model
        where cost_model = 'gpu'
    )
    union all
    select
        sp,
        hour,
        pid,
        'gpu',
        {{ free }},
        (gpu_c-gpu_a)::hugeint*{{ parts }}
    from tot
    where gpu_c > gpu_a and sp in (
        select
            sp
        from model
        where cost_model = 'gpu'
    )
    union all
    select
        sp,
        hour,
        pid,
        'network' as cost_model,
        l,
        network::hugeint*{{ parts }} as w
    from wide
    where l > 0 and network > 0 and sp in (
        select
            sp
        from model
        where cost_model = 'network'
    )
    union all
    select
        sp,
        hour,
        pid,
        'storage' as cost_model,
        l,
        storage::hugeint*{{ parts }} as w
    from wide
    where l > 0 and storage > 0 and sp in (
        select
            sp
        from model
        where cost_model = 'storage'
    ) and pid = {{ whole }}
    union all
    select
        sp,
        hour,
        pid,
        'storage',
        {{ free }},
        (storage_c-storage_a)::hugeint*{{ parts }}
    from tot
    where storage_c > storage_a and sp in (
        select
            sp
        from model
        where cost_model = 'storage'
    ) and pid = {{ whole }}
    union all
    select
        sp,
        hour,
        pid,
        'even',
        l,
        1
    from wide
    where l > 0 and pods > 0 and sp in (
        select
            sp
        from model
        where cost_model = 'even'
    )
    union all
    select
        sp,
        hour,
        pid,
        'max',
        l,
        w
    from mx
    union all
    select
        sp,
        hour,
        pid,
        'max',
        {{ free }},
        w
    from mxr
    union all
    select
        sp,
        hour,
        pid,
        'weighted',
        l,
        w
    from wt
    union all
    select
        sp,
        hour,
        pid,
        'weighted',
        {{ free }},
        w
    from wtr
    union all
    select
        sp,
        hour,
        0,
        'usage',
        l,
        w::hugeint
    from declared
    where w > 0
)
select
    s*8388608 + hour as g,
    s,
    hour,
    l,
    w
from m
join sched using(sp, cost_model, pid)
where sched.measured
union all
select
    s*8388608 + hour,
    s,
    hour,
    l,
    w
from m
join sched using(sp, cost_model, pid)
where not sched.measured and l <> {{ free }};


-- weigh: empty pools
insert into weights
with
asked as (
    select distinct
        sp,
        hour,
        pid
    from wide
    union
    select
        sp,
        hour,
        0
    from hours
),
k as (
    select
        s*8388608 + hour as g,
        s,
        hour
    from asked
    join sched using(sp, pid)
    where cost_model <> 'storage' or pid = {{ whole }}
)
select
    g,
    s,
    hour,
    {{ free }},
    0
from k
where g not in (
    select
        g
    from weights
);


-- weigh: schedules
create temp table schedules as
with
{{ deal("dealt", of="weights", by="g", weight="w", whole="10000000000::hugeint", ties=["l"], keep=["s", "hour"]) }}
select
    g,
    s,
    hour,
    l,
    dealt as units
from dealt;


-- serve: mart attribution_schedule
create table attribution_schedule as
with
d as (
    select
        s.s,
        platform,
        sub_platform,
        p as capacity_pool,
        s.cost_model,
        schedule_source,
        s.sp
    from sched s
    join sp using(sp)
    join pools using(pid)
    where served
)
select
    platform,
    sub_platform,
    capacity_pool,
    d.cost_model,
    label as lyft_label,
    cast(units*0.0000000001::decimal(11, 10) as decimal(11, 10)) as proportion,
    case when not good then 'interpolated' when schedule_source = 'kubernetes' then 'measured'
        else schedule_source end as basis,
    cast(coverage*0.0000000001::decimal(11, 10) as decimal(11, 10)) as coverage,
    make_timestamp(x.hour*3600000000) as usage_hour,
    1::bigint as interval_hours
from schedules x
join d using(s)
join label using(l)
join hours h on h.sp = d.sp and h.hour = x.hour;
