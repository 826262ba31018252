-- weigh: dimensions
create temp table rank as
select
    *
from (values ('measured', 1), ('pushed', 2), ('ready_made', 3), ('sub_platform', 4),
    ('interpolated', 5), ('carried_forward', 6), ('estimated', 7), ('unattributed', 8)) r(basis,
        rank);


-- split: claims
create temp table claim as
with
k as (
    select distinct
        source_label,
        product,
        usage_type
    from dim
),
m as (
    select
        k.*,
        sp.sp,
        sp.pool_by,
        coalesce(r.cost_model, sp.cost_model) as cost_model,
        (r.usage_type is not null)::int*4 + (r.product is not null)::int*2 + (r.lyft_label is not null)::int as spec
    from k
    join w.staging.stg_seeds__platform_resources r
        on coalesce(r.lyft_label, source_label) = source_label
            and coalesce(r.product, k.product) = k.product
            and k.usage_type like coalesce(r.usage_type, '%')
    join sp using(platform, sub_platform)
)
select
    *
from m
qualify rank() over (partition by source_label, product, usage_type order by spec desc) = 1;


-- check: no charge is claimed twice
select count(*) = count(distinct (source_label, product, usage_type))
from claim;


-- split: charge ids
create temp table cmap as
with
x as (
    select
        d.*,
        c.sp,
        c.cost_model,
        case when c.pool_by = 'instance_type' and d.instance_type <> '' then d.instance_type
            when c.sp is not null then 'all' end as wanted,
        case when c.sp is not null then d.interval_hours end as span
    from dim d
    left join claim c using(source_label, product, usage_type)
),
y as (
    select
        x.*,
        dense_rank() over (order by period, payer, account, source_label, product, class,
            is_period, span, sp) as cid
    from x
)
select
    y.*,
    w.s as s_wanted,
    a.s as s_all
from y
left join pools p on p.p = y.wanted
left join sched w on w.sp = y.sp and w.cost_model = y.cost_model and w.pid = p.pid and w.served
left join sched a on a.sp = y.sp and a.cost_model = y.cost_model and a.pid = {{ whole }}
    and a.served;

create temp table cdim as
select
    cid,
    any_value(period) as period,
    any_value(payer) as payer,
    any_value(account) as account,
    any_value(source_label) as source_label,
    any_value(label.l) as source_l,
    any_value(product) as product,
    any_value(class) as class,
    any_value(is_period) as is_period,
    any_value(span) as span,
    any_value(sp) as sp
from cmap
join label on label.label = source_label
group by cid;


-- check: platforms have no charges of more than an hour
select count(*) = 0
from cmap
where span > 1;


-- split: charges by pool
create temp table bypool as
with
g as materialized (
    select distinct
        g
    from schedules
)
select
    cid,
    hour,
    case when m.s_all is null then null when m.s_wanted = m.s_all or g.g is null then m.s_all
        else m.s_wanted end as s,
    coalesce(m.s_wanted is distinct from m.s_all and g.g is null and m.s_all is not null,
        false) as without,
    sum(true_cost) as cost
from priced
join cmap m using(id)
left join g on g.g = m.s_wanted*{{ hours }} + hour
group by all;


-- split: cost by schedule
create temp table cost as
select
    s*{{ hours }} + hour as g,
    s,
    hour,
    sum(cost) as cost
from bypool
where s is not null
group by all;


-- split: handovers
create temp table nxt as
select
    s.s,
    l.l,
    n.s as next_s
from sched s
join sp on sp.sp = s.sp
cross join label l
join w.staging.stg_seeds__platform_resources r on r.product is null and r.usage_type is null
    and r.lyft_label = l.label
join sp b on b.platform = r.platform and b.sub_platform = r.sub_platform
join sched n on n.sp = b.sp and n.cost_model = coalesce(r.cost_model, b.cost_model)
    and n.pid = {{ whole }} and n.served
where s.served and b.sp <> s.sp and l.l not in ({{ free }}, {{ unattributed }});

create temp table hrank as
select
    h.sp,
    h.hour,
    case when not good then 5 when schedule_source = 'kubernetes' then 1
        when schedule_source = 'pushed' then 2 else 3 end as rank
from hours h
join sp using(sp);

create temp table used as
select
    x.g,
    x.s,
    x.hour,
    x.l,
    x.units,
    n.next_s
from schedules x
join cost on cost.g = x.g
left join nxt n on n.s = x.s and n.l = x.l;


-- split: parts 2
create temp table below2 as
select
    row_number() over () as bid,
    g,
    u.s,
    u.hour,
    0 as via,
    u.l,
    units,
    next_s,
    rank
from used u
join sched using(s)
join hrank using(sp)
where next_s is not null and hrank.hour = u.hour;

create temp table part2 as
with
o as (
    select
        b.bid,
        b.units as whole,
        x.l,
        x.units as w
    from below2 b
    join schedules x on x.g = b.next_s*{{ hours }} + b.hour
),
{{ deal("dealt", of="o", by="bid", weight="w", whole="max(whole)", ties=["l"], keep=[]) }}
select
    b.bid,
    b.g,
    b.s,
    b.hour,
    b.via,
    b.next_s as s_here,
    d.l,
    d.dealt as units,
    greatest(b.rank, hr.rank) as rank,
    b.l as l_before,
    n.next_s
from dealt d
join below2 b on b.bid = d.g
left join nxt n on n.s = b.next_s and n.l = d.l
join sched sc on sc.s = b.next_s
join hrank hr on hr.sp = sc.sp and hr.hour = b.hour;


-- split: parts 3
create temp table below3 as
select
    row_number() over () as bid,
    g,
    s,
    hour,
    s_here as via,
    l,
    units,
    next_s,
    rank
from part2
where next_s is not null;

create temp table part3 as
with
o as (
    select
        b.bid,
        b.units as whole,
        x.l,
        x.units as w
    from below3 b
    join schedules x on x.g = b.next_s*{{ hours }} + b.hour
),
{{ deal("dealt", of="o", by="bid", weight="w", whole="max(whole)", ties=["l"], keep=[]) }}
select
    b.bid,
    b.g,
    b.s,
    b.hour,
    b.via,
    b.next_s as s_here,
    d.l,
    d.dealt as units,
    greatest(b.rank, hr.rank) as rank,
    b.l as l_before,
    n.next_s
from dealt d
join below3 b on b.bid = d.g
left join nxt n on n.s = b.next_s and n.l = d.l
join sched sc on sc.s = b.next_s
join hrank hr on hr.sp = sc.sp and hr.hour = b.hour;


-- check: nothing is handed on four times
select count(*) = 0
from part3
where next_s is not null;


-- weigh: dimensions
create temp table owned as
select
    s.s
from sched s
join sp using(sp)
where free_policy = 'owner';


-- split: splits
create temp table splits as
with
u as (
    select
        u.g,
        case when l = {{ unattributed }} or (l = {{ free }} and s in (
        from owned
    )) then 0 else l end as l,
        -1 as via,
        u.s as s_here,
        units,
        hrank.rank
    from used u
    join sched using(s)
    join hrank on hrank.sp = sched.sp and hrank.hour = u.hour
    where next_s is null
),
p as (
    select
        g,
        case when l = {{ unattributed }} or (l = {{ free }} and s_here in (
        from owned
    )) then l_before else l end as l,
        via,
        s_here,
        sum(units) as units,
        rank
    from (
        from part2
        union all
        from part3
    )
    where next_s is null
    group by all
)
from u
union all
from p;


-- split: spent
create temp table spent as
with
x as (
    select
        b.cid,
        b.hour,
        b.s,
        b.without,
        b.cost,
        cd.source_l,
        coalesce(nullif(x.l, 0), cd.source_l) as l,
        coalesce(x.via, -1) as via,
        x.s_here,
        coalesce(x.units, {{ one }}) as units,
        case when b.without and x.rank < 4 then 4 else x.rank end as rank
    from bypool b
    join cdim cd using(cid)
    left join splits x on x.g = b.s*{{ hours }} + b.hour
)
select
    cid,
    hour,
    s,
    without,
    cost,
    l,
    via,
    s_here,
    units,
    rank
from x
where l <> source_l
union all
select
    cid,
    hour,
    s,
    without,
    max(cost),
    l,
    via,
    s_here,
    sum(units),
    rank
from x
where l = source_l
group by all;


-- split: mart enriched_spend
create table enriched_spend as
with
sd as (
    select
        s.s,
        platform,
        sub_platform,
        p as capacity_pool,
        s.cost_model,
        platform || ': ' || sub_platform as name
    from sched s
    join sp using(sp)
    join pools using(pid)
),
k as (
    select distinct
        s,
        without,
        via,
        s_here,
        l,
        rank
    from spent
),
t as (
    select
        k.*,
        label.label,
        sd.platform,
        sd.sub_platform,
        sd.capacity_pool,
        sd.cost_model,
        case when k.s is null then null else coalesce(basis, 'unattributed') end as basis,
        case when k.s is null then label.label
            else label.label || ' (' || sd.platform || ': ' || sd.sub_platform || ')'
            end as spend_label,
        case when k.via = -1 then '' else r.name || ' (' || case when without then 'sub_platform'
            else r.capacity_pool end || ', ' || r.cost_model || ')' || case
            when k.via > 0 then ' > ' || v.name || ' (all, ' || v.cost_model || ')'
            else '' end end as via_text
    from k
    join label using(l)
    left join sd on sd.s = coalesce(k.s_here, k.s)
    left join sd r on r.s = k.s
    left join sd v on v.s = k.via
    left join rank on rank.rank = k.rank
)
select
    cd.period as billing_period,
    cd.payer as payer_account_id,
    cd.account as account_id,
    t.label as lyft_label,
    t.spend_label,
    cd.source_label,
    t.platform,
    t.sub_platform,
    t.capacity_pool,
    t.cost_model,
    t.via_text as via,
    t.basis,
    nullif(cd.product, '') as product,
    cd.class as charge_class,
    cast(units*0.0000000001::decimal(11, 10) as decimal(11, 10)) as proportion,
    cast(x.cost as decimal(25, 10)) as charge_true_cost,
    cast(cast(x.cost as decimal(25, 10))*cast(units*0.0000000001::decimal(11, 10) as decimal(11,
        10)) as decimal(38, 20)) as spend,
    make_timestamp(x.hour*3600000000) as usage_hour,
    cd.span as interval_hours,
    cd.is_period as is_period_charge
from spent x
join t on t.s is not distinct
from x.s and t.without = x.without and t.via = x.via and t.s_here is not distinct
from x.s_here and t.l = x.l and t.rank is not distinct
from x.rank
join cdim cd using(cid);


-- serve: mart daily_spend
create table daily_spend as
with
own as (
    select
        l,
        team,
        org,
        is_current,
        coalesce({{ hour_of("owned_from") }}, -1) as a,
        coalesce({{ hour_of("owned_until") }}, 99999999) as b
    from w.marts.lyft_labels
    join label on label = lyft_label
),
d as (
    select
        cid,
        l,
        hour // 24 as day,
        sc.sp,
        coalesce(o.team, 'unassigned') as team,
        coalesce(o.org, 'unassigned') as org,
        sum(cast(x.cost as decimal(25, 10))*cast(units*0.0000000001::decimal(11, 10) as decimal(11,
            10))) as spend
    from spent x
    left join sched sc on sc.s = coalesce(x.s_here, x.s)
    left join own o using(l)
    where (o.l is null or (x.hour >= o.a and x.hour < o.b))
    group by all
),
e as (
    select
        period,
        account,
        label.label,
        team,
        org,
        platform,
        sub_platform,
        product,
        class,
        is_period,
        day,
        l,
        sum(spend) as spend
    from d
    join cdim using(cid)
    join label using(l)
    left join sp on sp.sp = d.sp
    group by all
)
select
    period as billing_period,
    account as account_id,
    e.label as lyft_label,
    e.team,
    e.org,
    coalesce(n.team, 'unassigned') as current_team,
    coalesce(n.org, 'unassigned') as current_org,
    platform,
    sub_platform,
    nullif(product, '') as product,
    class as charge_class,
    cast(spend as decimal(38, 20)) as spend,
    date '1970-01-01' + day::int as usage_date,
    is_period as is_period_charge
from e
left join own n on n.l = e.l and n.is_current;


-- serve: mart unallocated_capacity
create table unallocated_capacity as
with
ms as (
    select
        a.s,
        b.s as sm
    from sched a
    join sched b on a.sp = b.sp and a.cost_model = b.cost_model and a.pid = b.pid
    where a.served and b.measured
),
f as (
    select
        cost.g,
        cost.s,
        cost.hour,
        cost.cost,
        coalesce(x.units, 0) as free
    from cost
    join ms using(s)
    left join schedules x on x.g = ms.sm*{{ hours }} + cost.hour and x.l = {{ free }}
),
p as (
    select
        s,
        hour,
        s_here,
        g,
        sum(units) as units,
        sum(case when l = {{ free }} then units else 0 end) as free
    from (
        from part2
        union all
        from part3
    )
    group by all
),
a as (
    select
        s,
        hour // 24 as day,
        cast(sum(cost) as decimal(38, 20)) as spend,
        sum(cast(cost as decimal(25, 10))*cast(free*0.0000000001::decimal(11, 10) as decimal(11,
            10))) as free_spend
    from f
    group by all
    union all
    select
        s_here,
        p.hour // 24,
        sum(cast(cost as decimal(25, 10))*cast(p.units*0.0000000001::decimal(11, 10) as decimal(11,
            10))),
        sum(cast(cost as decimal(25, 10))*cast(free*0.0000000001::decimal(11, 10) as decimal(11,
            10)))
    from p
    join cost using(g)
    group by all
)
select
    platform,
    sub_platform,
    p as capacity_pool,
    cast(sum(spend) as decimal(38, 20)) as spend,
    cast(sum(free_spend) as decimal(38, 20)) as free_spend,
    case when cast(sum(spend) as decimal(25, 10)) > 0 and sum(free_spend) between 0
        and sum(spend) then cast(({{ wide_units("cast(sum(free_spend) as decimal(25,10))") }}*{{ one }} // {{ wide_units("cast(sum(spend) as decimal(25,10))") }})*0.0000000001::decimal(11, 10) as decimal(11, 10)) end as free_share,
    date '1970-01-01' + day::int as usage_date
from a
join sched using(s)
join sp using(sp)
join pools using(pid)
group by platform,
    sub_platform,
    p,
    day;
