"""The platforms whose cost the company shares out, and what belongs to each.

One joined after the other: clusters opened, and the owners of others began to publish usage.

The same is declared for the models in `seeds/platforms.csv` and `seeds/platform_resources.csv`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from infraspend.simulation.clock import BEGINNING, utc

KUBERNETES = "k8s"
WAREHOUSE = "warehouse"
LYFTLEARN = "lyftlearn"
SPARK = "spark"
FEATURES = "features"


@dataclass(frozen=True, eq=False)
class SubPlatform:
    """A part of a platform that is shared out on its own, such as one cluster.

    `source` says where its schedules come from, and `has_pools` whether each of its instance
    types has one of its own. `allocation_base` is about clusters only. Until `since` it was not
    there, or nobody shared it out.
    """

    platform: str
    name: str
    source: str
    cost_model: str
    allocation_base: str = "request"
    free_policy: str = "label"
    has_pools: bool = True
    since: datetime = BEGINNING

    @property
    def place(self) -> tuple[str, str]:
        """Its platform and its name."""
        return self.platform, self.name


SUB_PLATFORMS = {
    one.place: one
    for one in (
        SubPlatform(KUBERNETES, "core-0", "kubernetes", "cpu"),
        SubPlatform(KUBERNETES, "core-1", "kubernetes", "cpu", since=utc("2026-08-01")),
        SubPlatform(KUBERNETES, "batch-0", "kubernetes", "memory", since=utc("2026-09-01")),
        SubPlatform(KUBERNETES, "ml-0", "kubernetes", "weighted", "max", since=utc("2026-09-01")),
        *(
            SubPlatform(WAREHOUSE, name, "ready_made", "usage", "usage", since=utc("2026-09-01"))
            for name in ("analytics", "storage")
        ),
        *(
            SubPlatform(
                *(platform, name, "pushed", "usage", "usage", free_policy),
                has_pools=False,
                since=utc(since),
            )
            for platform, name, free_policy, since in (
                (LYFTLEARN, "training", "owner", "2026-09-01"),
                (SPARK, "production", "spread", "2026-09-01"),
                (FEATURES, "rider-api", "label", "2026-09-01"),
                (FEATURES, "pricing", "label", "2026-09-01"),
            )
        ),
    )
}


@dataclass(frozen=True, eq=False)
class Resource:
    """What belongs to a sub-platform: charges that carry a label.

    Where they are given, `product` and a part of the `usage_type` narrow it down; `cost_model`
    shares it out in another way than the rest of the sub-platform.
    """

    sub_platform: SubPlatform
    label: str
    product: str = ""
    usage_type: str = ""
    own_cost_model: str = ""

    @property
    def cost_model(self) -> str:
        """How it is shared out."""
        return self.own_cost_model or self.sub_platform.cost_model

    @property
    def is_all_of_label(self) -> bool:
        """Whether it is whatever carries the label, also what another platform hands on to it."""
        return not (self.product or self.usage_type)

    def has(self, label: str, product: str, usage_type: str) -> bool:
        """Whether a charge belongs to it."""
        return (
            label == self.label and self.product in ("", product) and self.usage_type in usage_type
        )


_VOLUMES = "EBS:VolumeUsage"


def _belongs(
    platform: str,
    name: str,
    label: str,
    product: str = "",
    usage_type: str = "",
    cost_model: str = "",
) -> Resource:
    return Resource(SUB_PLATFORMS[platform, name], label, product, usage_type, cost_model)


#: The narrower one stands before the wider one that it is taken from.
RESOURCES = (
    _belongs(KUBERNETES, "core-0", "core-0", usage_type=_VOLUMES, cost_model="storage"),
    _belongs(KUBERNETES, "core-0", "core-0"),
    _belongs(KUBERNETES, "core-1", "core-1", usage_type=_VOLUMES),
    _belongs(KUBERNETES, "core-1", "core-1", product="AWSDataTransfer", cost_model="network"),
    _belongs(KUBERNETES, "core-1", "core-1", product="AmazonEKS", cost_model="even"),
    _belongs(KUBERNETES, "core-1", "core-1"),
    _belongs(KUBERNETES, "batch-0", "batch-0", usage_type=_VOLUMES),
    _belongs(KUBERNETES, "batch-0", "batch-0", product="AmazonEKS", cost_model="max"),
    _belongs(KUBERNETES, "batch-0", "batch-0"),
    # The volumes are for what is trained.
    _belongs(KUBERNETES, "ml-0", "ml-0", usage_type=_VOLUMES, cost_model="gpu"),
    _belongs(KUBERNETES, "ml-0", "ml-0"),
    _belongs(WAREHOUSE, "storage", WAREHOUSE, product="AmazonS3"),
    _belongs(WAREHOUSE, "analytics", WAREHOUSE),
    _belongs(LYFTLEARN, "training", LYFTLEARN),
    _belongs(SPARK, "production", SPARK),
    _belongs(FEATURES, "rider-api", "rider-api"),
    _belongs(FEATURES, "pricing", "pricing"),
)
