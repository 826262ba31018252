-- The months that the warehouse knows, and why one has to be refreshed: its bill, its usage or the
-- facts declared about it differ from those that it was last built and tested with, or it shares
-- charges with such a month. All other months stay as they are.
{{ config(materialized='table', post_hook="{{ note_months(this, is_done=false) }}") }}

{% set built = built_months() %}
{# Unit tests test the comparison, whatever the run was asked for. #}
{% set is_full_refresh = flags.FULL_REFRESH and model.resource_type != 'unit_test' %}

with

bill_months as (
    select
        billing_period,
        usage_month
    from {{ ref('stg_aws_cur__assembly_months') }}
    union all
    select
        billing_period,
        usage_month
    from {{ ref('stg_focus__statement_months') }}
),

now as (
    select
        month,
        coalesce({{ md5_of_all("case when kind = 'bill' then ingredient end") }}, '') as bill,
        coalesce({{ md5_of_all("case when kind = 'usage' then ingredient end") }}, '') as usage,
        coalesce({{ md5_of_all("case when kind = 'facts' then ingredient end") }}, '') as facts
    from {{ ref('ingredients') }}
    group by month
),

noted as (
    {%- if built %}
        select
            month,
            fingerprint_of_bill as bill,
            fingerprint_of_usage as usage,
            fingerprint_of_facts as facts,
            is_done,
            row_number() over (partition by month order by run desc, is_done desc) as age
        from {{ built }}
    {%- else %}
        select
            now.*,
            false as is_done,
            1 as age
        from now
        where false
    {%- endif %}
),

last_noted as (
    select
        month,
        bill,
        usage,
        facts,
        is_done
    from noted
    where age = 1
),

compared as (
    select
        coalesce(now.month, last_noted.month) as month,
        now.bill,
        now.usage,
        now.facts,
        case
            when {{ is_full_refresh }} then 'everything is refreshed'
            when last_noted.month is null then 'it was never built'
            when not last_noted.is_done then 'its last build did not end well'
            when now.month is null and last_noted.bill is not null
                then 'nothing is known of it any more'
            when now.bill <> last_noted.bill then 'its bill changed'
            when now.usage <> last_noted.usage then 'its usage changed'
            when now.facts <> last_noted.facts then 'rules, platforms or resources changed'
        end as why
    from now
    full outer join last_noted on now.month = last_noted.month
),

shared as (
    select
        bill_months.billing_period as month,
        min(compared.month) as other_month
    from bill_months
    inner join compared on bill_months.usage_month = compared.month
    where compared.why is not null and bill_months.billing_period <> compared.month
    group by bill_months.billing_period
    union all
    select
        bill_months.usage_month as month,
        min(compared.month) as other_month
    from bill_months
    inner join compared on bill_months.billing_period = compared.month
    where compared.why is not null and bill_months.usage_month <> compared.month
    group by bill_months.usage_month
),

sharing as (
    select
        month,
        min(other_month) as other_month
    from shared
    group by month
)

select
    -- which month
    compared.month,

    -- why it is refreshed
    coalesce(
        compared.why,
        case
            when sharing.month is not null
                then concat('it shares charges with ', sharing.other_month, ', which is refreshed')
        end
    ) as why,

    -- what it is built from
    compared.bill as fingerprint_of_bill,
    compared.usage as fingerprint_of_usage,
    compared.facts as fingerprint_of_facts
from compared
left join sharing on compared.month = sharing.month
where compared.bill is not null or compared.why is not null
