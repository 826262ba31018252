-- Who invoices an account of a bill in FOCUS for a provider, on whose resources it runs and what
-- it is called: a lookup, so that no charge has to carry it. Where the charges of a month do not
-- agree, nothing is said.
{{ config(materialized='view', enabled=var('focus'), meta={'month': 'billing_period'}) }}

with

charges as (
    select * from {{ source('focus', 'charges') }}
),

statements as (
    select * from {{ ref('stg_focus__statements') }}
)

select
    -- who
    statements.billing_period,
    charges.billing_account_id,
    coalesce(charges.sub_account_id, charges.billing_account_id) as sub_account_id,
    charges.service_provider_name as provider,

    -- who bills it
    {{ the_one('charges.invoice_issuer_name') }} as invoice_issuer,
    {{ the_one('charges.host_provider_name') }} as host_provider,

    -- what it is called
    {{ the_one('charges.billing_account_name') }} as billing_account_name,
    {{ the_one('charges.sub_account_name') }} as sub_account_name,

    -- what it pays in: a warehouse has one currency
    max(charges.billing_currency) as currency
from charges
inner join statements on charges._statement_id = statements.statement_id
where statements.is_current
group by
    statements.billing_period,
    charges.billing_account_id,
    coalesce(charges.sub_account_id, charges.billing_account_id),
    charges.service_provider_name
