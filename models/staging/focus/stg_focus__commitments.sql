-- What kind of commitment a bill in FOCUS names, and what it is called: a lookup, so that no charge
-- has to carry it. Where the charges of a month do not agree, nothing is said.
{{ config(materialized='view', enabled=var('focus'), meta={'month': 'billing_period'}) }}

with

charges as (
    select * from {{ source('focus', 'charges') }}
    where commitment_discount_id <> ''
),

statements as (
    select * from {{ ref('stg_focus__statements') }}
)

select
    -- which commitment
    statements.billing_period,
    charges.billing_account_id,
    charges.service_provider_name as provider,
    charges.commitment_discount_id as commitment_id,

    -- what it is
    {{ the_one('charges.commitment_discount_category') }} as commitment_category,
    {{ the_one('charges.commitment_discount_type') }} as commitment_type,
    {{ the_one('charges.commitment_discount_name') }} as commitment_name
from charges
inner join statements on charges._statement_id = statements.statement_id
where statements.is_current
group by
    statements.billing_period,
    charges.billing_account_id,
    charges.service_provider_name,
    charges.commitment_discount_id
