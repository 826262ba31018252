"""The columns of AWS's reports: what a legacy report and CUR 2.0 call them, and their types."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """A column of both reports. `legacy` is how the older one writes its name."""

    legacy: str
    kind: str

    @property
    def name(self) -> str:
        """The CUR 2.0 name: words in lower case, every capital begins one."""
        category, name = self.legacy.split("/")
        return f"{_words(category)}_{_words(name)}"


def _words(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _columns(kind: str, names: str) -> list[Column]:
    return [Column(name, kind) for name in names.split()]


#: The columns that both reports carry, under their legacy names.
COLUMNS = [
    *_columns("text", "identity/LineItemId identity/TimeInterval"),
    *_columns(
        "text",
        """
        bill/InvoiceId bill/InvoicingEntity bill/BillingEntity bill/BillType bill/PayerAccountId
        """,
    ),
    *_columns("moment", "bill/BillingPeriodStartDate bill/BillingPeriodEndDate"),
    *_columns("text", "lineItem/UsageAccountId lineItem/LineItemType"),
    *_columns("moment", "lineItem/UsageStartDate lineItem/UsageEndDate"),
    *_columns(
        "text",
        """
        lineItem/ProductCode lineItem/UsageType lineItem/Operation lineItem/AvailabilityZone
        lineItem/ResourceId
        """,
    ),
    *_columns(
        "number",
        "lineItem/UsageAmount lineItem/NormalizationFactor lineItem/NormalizedUsageAmount",
    ),
    *_columns("text", "lineItem/CurrencyCode lineItem/UnblendedRate"),
    *_columns("number", "lineItem/UnblendedCost"),
    *_columns("text", "lineItem/BlendedRate"),
    *_columns("number", "lineItem/BlendedCost"),
    *_columns("text", "lineItem/NetUnblendedRate"),
    *_columns("number", "lineItem/NetUnblendedCost"),
    *_columns("text", "lineItem/LineItemDescription lineItem/TaxType lineItem/LegalEntity"),
    *_columns(
        "text",
        """
        product/fromLocation product/instanceType product/location product/operation
        product/productFamily product/regionCode product/servicecode product/sku
        product/toLocation product/usagetype
        """,
    ),
    *_columns(
        "text",
        """
        pricing/currency pricing/LeaseContractLength pricing/OfferingClass pricing/PurchaseOption
        pricing/RateCode pricing/RateId pricing/publicOnDemandRate pricing/term pricing/unit
        """,
    ),
    *_columns("number", "pricing/publicOnDemandCost"),
    *_columns(
        "number",
        """
        reservation/AmortizedUpfrontCostForUsage reservation/AmortizedUpfrontFeeForBillingPeriod
        reservation/EffectiveCost reservation/NetAmortizedUpfrontCostForUsage
        reservation/NetAmortizedUpfrontFeeForBillingPeriod reservation/NetEffectiveCost
        reservation/NetRecurringFeeForUsage
        reservation/NetUnusedAmortizedUpfrontFeeForBillingPeriod
        reservation/NetUnusedRecurringFee reservation/NetUpfrontValue
        reservation/RecurringFeeForUsage reservation/UnusedAmortizedUpfrontFeeForBillingPeriod
        reservation/UnusedNormalizedUnitQuantity reservation/UnusedQuantity
        reservation/UnusedRecurringFee reservation/UpfrontValue
        """,
    ),
    *_columns(
        "text",
        """
        reservation/AvailabilityZone reservation/EndTime reservation/ModificationStatus
        reservation/NormalizedUnitsPerReservation reservation/NumberOfReservations
        reservation/ReservationARN reservation/StartTime reservation/SubscriptionId
        reservation/TotalReservedNormalizedUnits reservation/TotalReservedUnits
        reservation/UnitsPerReservation
        """,
    ),
    *_columns(
        "number",
        """
        savingsPlan/AmortizedUpfrontCommitmentForBillingPeriod
        savingsPlan/NetAmortizedUpfrontCommitmentForBillingPeriod
        savingsPlan/NetRecurringCommitmentForBillingPeriod
        savingsPlan/NetSavingsPlanEffectiveCost savingsPlan/RecurringCommitmentForBillingPeriod
        savingsPlan/SavingsPlanEffectiveCost savingsPlan/TotalCommitmentToDate
        savingsPlan/UsedCommitment
        """,
    ),
    *_columns(
        "text",
        """
        savingsPlan/EndTime savingsPlan/InstanceTypeFamily savingsPlan/OfferingType
        savingsPlan/PaymentOption savingsPlan/PurchaseTerm savingsPlan/Region
        savingsPlan/SavingsPlanARN savingsPlan/SavingsPlanRate savingsPlan/StartTime
        """,
    ),
]

#: What CUR 2.0 keeps in its maps and a legacy report in a column for each key.
LEGACY_COLUMNS_OF_MAPS = {
    "product": {
        "database_engine": "product/databaseEngine",
        "deployment_option": "product/deploymentOption",
        "instance_type_family": "product/instanceTypeFamily",
        "operating_system": "product/operatingSystem",
        "product_name": "product/ProductName",
        "region": "product/region",
        "tenancy": "product/tenancy",
    },
    "resource_tags": {
        "aws_eks_cluster_name": "resourceTags/aws:eks:cluster-name",
        "user_name": "resourceTags/user:Name",
        "user_service": "resourceTags/user:service",
        "user_team": "resourceTags/user:team",
    },
}

_TEXTS = pa.map_(pa.string(), pa.string())
#: Columns that only CUR 2.0 has.
NEW_COLUMNS = {
    "bill_payer_account_name": pa.string(),
    "line_item_usage_account_name": pa.string(),
    "cost_category": _TEXTS,
    "discount": pa.map_(pa.string(), pa.float64()),
    "discount_bundled_discount": pa.float64(),
    "discount_total_discount": pa.float64(),
    "product": _TEXTS,
    "resource_tags": _TEXTS,
}

_TYPES = {"text": pa.string(), "number": pa.float64(), "moment": pa.timestamp("ms")}
#: CUR 2.0 as AWS writes it to Parquet: amounts are doubles, rates and counts are text.
CUR2_SCHEMA = pa.schema(
    sorted({**{column.name: _TYPES[column.kind] for column in COLUMNS}, **NEW_COLUMNS}.items())
)
