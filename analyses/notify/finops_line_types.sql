-- Charges of an unknown line type: each costs what AWS charged for it, until the type is added to
-- the project.

select
    'finops' as recipient,
    concat(payer_account_id, ', ', billing_period, ', ', coalesce(product, '')) as problem,
    max(usage_date) as happened_on,
    sum(spend) as spend,
    payer_account_id,
    billing_period,
    product,
    min(usage_type) as usage_type
from {{ ref('explained_spend') }}
where charge_class = 'other'
group by payer_account_id, billing_period, product
