-- What no label rule matches, by what a rule could read: what to label next. Amortized cost, before
-- commitments are pooled and platforms split anything.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

charges as (
    select * from {{ ref('charges') }}
    where
        {{ in_month('billing_period') }}
        -- Other labels than a rule's: see int_charges_labelled.
        and charge_class not in ('commitment_fee', 'commitment_to_come', 'unused_commitment')
        and (charge_class <> 'discount' or has_net_costs)
),

unlabeled_keys as (
    select * from {{ ref('int_label_matches') }}
    where {{ in_month('billing_period') }} and lyft_label = 'unlabeled'
),

open_periods as (
    select * from {{ ref('int_open_periods') }}
)

select
    -- when
    charges.billing_period,
    open_periods.billing_period is null as is_complete,

    -- what it cost
    cast(sum(charges.net_amortized_cost) as decimal(38, 10)) as net_amortized_cost,

    -- who
    charges.payer_account_id,
    charges.account_id,

    -- what
    nullif(charges.product, '') as product,
    nullif(charges.usage_type, '') as usage_type,
    nullif(charges.tags, '{}') as tags
from charges
inner join unlabeled_keys
    on {{ matches_label('unlabeled_keys') }}
left join open_periods on charges.billing_period = open_periods.billing_period
group by
    charges.billing_period,
    open_periods.billing_period,
    charges.payer_account_id,
    charges.account_id,
    charges.product,
    charges.usage_type,
    charges.tags
