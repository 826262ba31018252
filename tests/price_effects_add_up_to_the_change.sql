-- What length, volume, price and commitments moved adds up to the change of the spend, to the last
-- digit.

select
    billing_period,
    lyft_label,
    product,
    usage_type,
    spend - previous_spend as moved,
    length_effect + volume_effect + rate_effect + commitment_effect as effects
from {{ refreshed(ref('price_changes')) }}
where spend - previous_spend <> length_effect + volume_effect + rate_effect + commitment_effect
