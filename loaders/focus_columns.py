"""The columns that charges of FOCUS land in: the names of FOCUS 1.4 in this project's spelling.

What an older version calls otherwise lands under the newer name; what is not here lands in
`other_columns`, under the name it was delivered with.
"""

from typing import Final

MONEY: Final = ("billed_cost", "effective_cost")
"""The costs that no charge may lack."""

MAPS: Final = ("tags", "sku_price_details")
"""The columns that hold a map, which lands as JSON."""

OTHER_COLUMNS: Final = "other_columns"

_AMOUNTS: Final = (
    *MONEY,
    "list_cost",
    "contracted_cost",
    "consumed_quantity",
    "pricing_quantity",
)
_TIMES: Final = (
    "billing_period_start",
    "billing_period_end",
    "charge_period_start",
    "charge_period_end",
)
_TEXTS: Final = (
    "availability_zone",
    "billing_account_id",
    "billing_account_name",
    "billing_currency",
    "capacity_reservation_id",
    "charge_category",
    "charge_class",
    "charge_description",
    "charge_frequency",
    "commitment_discount_category",
    "commitment_discount_id",
    "commitment_discount_name",
    "commitment_discount_status",
    "commitment_discount_type",
    "consumed_unit",
    "host_provider_name",
    "invoice_id",
    "invoice_issuer_name",
    "pricing_category",
    "pricing_unit",
    "region_id",
    "region_name",
    "resource_id",
    "resource_name",
    "resource_type",
    "service_category",
    "service_name",
    "service_provider_name",
    "service_subcategory",
    "sku_id",
    "sku_meter",
    "sku_price_id",
    "sub_account_id",
    "sub_account_name",
)

FOCUS_COLUMNS: Final[dict[str, str]] = {
    **dict.fromkeys(_TEXTS, "varchar"),
    **dict.fromkeys(_AMOUNTS, "decimal(25,10)"),
    **dict.fromkeys(_TIMES, "timestamp"),
    **dict.fromkeys((*MAPS, OTHER_COLUMNS), "json"),
}
"""Column -> DuckDB type."""

RENAMED: Final = {
    "service_provider_name": ("provider_name",),
    "host_provider_name": ("publisher_name",),
}
"""Column -> what versions before 1.3 call it, the next best first."""

REQUIRED: Final = (
    *MONEY,
    *_TIMES,
    "billing_account_id",
    "billing_currency",
    "charge_category",
    "service_provider_name",
)
"""The columns without which it is not known what a charge cost, whom and when."""
