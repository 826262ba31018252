-- What a row of `platform_resources` may look at: every label, product and usage type that a
-- billing period has charges of.
{{ by_period('charged') }}

select distinct
    billing_period,
    lyft_label,
    product,
    usage_type
from {{ rebuilt(ref('int_charges_pooled')) }}
