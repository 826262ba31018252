-- The deliveries that landed, and which of them is used for a billing period: for each period and
-- payer the newest one, by the time of its manifest. A closed period uses the assembly that it was
-- closed with; where several reports cover a payer, the declared one is used, which may be another
-- payer's. Read from the loader's records and from the seeds themselves, so that it is known before
-- any other model is built.

with

assemblies as (
    select * from {{ source('aws_cur', 'assemblies') }}
),

loads as (
    select * from {{ source('aws_cur', '_dlt_loads') }}
),

closed_periods as (
    select * from {{ ref('closed_periods') }}
),

reports as (
    select
        report,
        payer_account_id,
        coalesce(cast(valid_from as timestamp), {{ beginning() }}) as valid_from,
        coalesce(cast(valid_until as timestamp), {{ end_of_time() }}) as valid_until
    from {{ ref('reports') }}
),

newest_first as (
    select
        assemblies.assembly_id,
        row_number() over (
            partition by assemblies.report, assemblies.payer_account_id, assemblies.billing_period
            order by
                assemblies.manifest_time desc,
                assemblies.landed_at desc,
                assemblies.assembly_id asc
        ) as age
    from assemblies
    inner join loads on assemblies._dlt_load_id = loads.load_id
    where loads.status = 0
),

payers as (
    select distinct
        assembly_id,
        payer_account_id
    from {{ source('aws_cur', 'control_totals') }}
),

closed as (
    select
        assemblies.assembly_id,
        max(case when closed_periods.assembly_id = assemblies.assembly_id then 1 else 0 end) = 1
            as serves
    from assemblies
    inner join payers on assemblies.assembly_id = payers.assembly_id
    inner join closed_periods
        on
            payers.payer_account_id = closed_periods.payer_account_id
            and assemblies.billing_period = closed_periods.billing_period
    group by assemblies.assembly_id
),

declared as (
    select
        assemblies.assembly_id,
        max(
            case
                when
                    reports.report in (
                        assemblies.report,
                        concat(assemblies.payer_account_id, '/', assemblies.report)
                    )
                    then 1
                else 0
            end
        ) = 1 as serves
    from assemblies
    inner join payers on assemblies.assembly_id = payers.assembly_id
    inner join reports
        on
            payers.payer_account_id = reports.payer_account_id
            and cast(concat(assemblies.billing_period, '-01') as timestamp) >= reports.valid_from
            and cast(concat(assemblies.billing_period, '-01') as timestamp) < reports.valid_until
    group by assemblies.assembly_id
)

select
    -- ids
    assemblies.assembly_id,
    assemblies.report,
    assemblies.payer_account_id,
    assemblies.billing_period,

    -- what it contains
    assemblies.format,
    assemblies.files,
    assemblies.bytes,
    assemblies.line_count,
    assemblies.grain_hours,
    newest_first.age = 1 as is_newest,
    closed.assembly_id is not null as is_closed,
    coalesce(closed.serves, newest_first.age = 1 and coalesce(declared.serves, true))
        as is_current,

    -- when
    assemblies.manifest_time,
    assemblies.landed_at
from assemblies
inner join newest_first on assemblies.assembly_id = newest_first.assembly_id
left join closed on assemblies.assembly_id = closed.assembly_id
left join declared on assemblies.assembly_id = declared.assembly_id
