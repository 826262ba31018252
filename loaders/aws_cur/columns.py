"""Where a delivered column lands: the way from AWS's names to those of CUR 2.0.

A legacy report writes `lineItem/UsageStartDate`; CUR 2.0 and Athena write
`line_item_usage_start_date`. `landed_name` is AWS's own rule from the one to the other.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from infraspend.loaders.cur_columns import CUR_COLUMNS, MAP_COLUMNS

REQUIRED: Final = (
    "bill_payer_account_id",
    "bill_billing_period_start_date",
    "line_item_usage_account_id",
    "line_item_line_item_type",
    "line_item_usage_start_date",
    "line_item_unblended_cost",
)
"""Columns without which a bill cannot be read."""

ACCOUNTS: Final = ("bill_payer_account_id", "line_item_usage_account_id")
"""Columns that name an account: a line without one belongs to nobody."""

COST: Final = "line_item_unblended_cost"

NET_UNBLENDED: Final = "line_item_net_unblended_cost"

NET_OF_RESERVATIONS: Final = {
    "reservation_effective_cost": "reservation_net_effective_cost",
    **{
        f"reservation_{fee}": f"reservation_net_{fee}"
        for fee in (
            "amortized_upfront_fee_for_billing_period",
            "unused_amortized_upfront_fee_for_billing_period",
            "unused_recurring_fee",
        )
    },
}
"""What reservations cost -> the same after negotiated discounts."""

NET_OF_PLANS: Final = {
    "savings_plan_savings_plan_effective_cost": "savings_plan_net_savings_plan_effective_cost",
    **{
        f"savings_plan_{fee}": f"savings_plan_net_{fee}"
        for fee in (
            "amortized_upfront_commitment_for_billing_period",
            "recurring_commitment_for_billing_period",
        )
    },
}
"""The same of savings plans."""

OTHER_COLUMNS: Final = "other_columns"
"""The map of the columns that CUR 2.0 does not know."""

FORGIVING: Final = frozenset(
    {
        "bill_billing_period_end_date",
        "discount_bundled_discount",
        "identity_time_interval",
        "line_item_blended_cost",
        "line_item_normalization_factor",
        "pricing_public_on_demand_cost",
        "reservation_net_amortized_upfront_cost_for_usage",
        "reservation_net_recurring_fee_for_usage",
        "reservation_net_upfront_value",
        "reservation_recurring_fee_for_usage",
        "reservation_unused_normalized_unit_quantity",
        "reservation_upfront_value",
        "savings_plan_savings_plan_rate",
        *(column for column in CUR_COLUMNS if column.startswith("split_line_item_")),
    }
)
"""Columns that neither the invoice nor the true cost is made of: what cannot be read in them lands
as NULL and is reported, and does not keep the bill out."""

# A column that an export brings along, and that says nothing about a charge.
_PARTITION: Final = "billing_period"

_MAP_OF_CATEGORY: Final = {
    "costCategory": "cost_category",
    "discount": "discount",
    "product": "product",
    "resourceTags": "resource_tags",
}


@dataclass(frozen=True)
class Destination:
    """Where a delivered column lands.

    Attributes:
        column: The CUR 2.0 column.
        key: The key inside `column` where that column is a map, otherwise None.
    """

    column: str
    key: str | None = None


class DuplicateColumnError(ValueError):
    """Two delivered columns claim one CUR 2.0 column.

    Attributes:
        delivered: One of the two.
    """

    def __init__(self, delivered: str, column: str) -> None:
        super().__init__(f"{delivered} and another column are both {column}")
        self.delivered = delivered


def landed_name(delivered: str) -> str:
    """The CUR 2.0 spelling of a name that a legacy report uses.

    Every capital starts a word (`ReservationARN` is `reservation_a_r_n`) and everything that is
    not a letter or a digit becomes a single underscore.
    """
    words = re.sub(r"([A-Z])", r"_\1", unicodedata.normalize("NFC", delivered)).lower()
    return re.sub(r"[\W_]+", "_", words).strip("_")


def destinations(headers: Iterable[str]) -> dict[str, Destination | None]:
    """Where each delivered column lands; None for one that lands nowhere.

    Cost categories, tags, discounts and the product attributes that CUR 2.0 does not keep as a
    column of their own go into their map, and a column that CUR 2.0 does not know into
    `other_columns`. Names that collapse into one key (`user:Team` and
    `user:team`) stay apart: in alphabetical order the first keeps the key, the next get `_2`,
    `_3` and so on.

    Args:
        headers: The names of the columns of all files of one assembly: `category/Name` as legacy
            text has them, `category_name` as Parquet and CUR 2.0 do.

    Raises:
        DuplicateColumnError: Two of the names are one CUR 2.0 column.
    """
    wanted = {header: _destination(header) for header in sorted(set(headers))}
    whole = {
        destination.column
        for destination in wanted.values()
        if destination and destination.column in MAP_COLUMNS and destination.key is None
    }
    for header, destination in wanted.items():
        # A map that was delivered whole takes no members from elsewhere.
        if destination is not None and destination.key is not None and destination.column in whole:
            wanted[header] = None
    claims = Counter(wanted.values())
    found: dict[str, Destination | None] = {}
    for header, destination in wanted.items():
        if destination is None or claims[destination] == 1:
            found[header] = destination
            continue
        if destination.key is None:
            raise DuplicateColumnError(header, destination.column)
        number = 1
        taken = set(found.values()) | {other for other in wanted.values() if claims[other] == 1}
        unique = destination
        while unique in taken:
            number += 1
            unique = Destination(destination.column, f"{destination.key}_{number}")
        found[header] = unique
    return found


def _destination(header: str) -> Destination | None:
    category, slash, name = header.partition("/")
    if not slash:
        return _flat_destination(header.lower())
    column = landed_name(header)
    if column in CUR_COLUMNS and column not in MAP_COLUMNS:
        return Destination(column)
    if name and category in _MAP_OF_CATEGORY:
        return Destination(_MAP_OF_CATEGORY[category], landed_name(name))
    return Destination(OTHER_COLUMNS, column)


def _flat_destination(column: str) -> Destination | None:
    """The destination of a column that has CUR 2.0's spelling already."""
    if column in CUR_COLUMNS:
        return Destination(column)
    for prefix in _MAP_OF_CATEGORY.values():
        if column.startswith(f"{prefix}_"):
            return Destination(prefix, column.removeprefix(f"{prefix}_"))
    return None if column == _PARTITION else Destination(OTHER_COLUMNS, column)
