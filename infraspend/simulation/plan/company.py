"""The simulated company: its accounts, and how its resources say whose they are.

A ride-hailing company of about 25 services in 8 teams and 3 orgs. Who owns what is declared in
`seeds/`; here and in the modules beside this one stands what the company runs: its machines
(`company_machines`), clusters (`company_clusters`), commitments (`company_commitments`) and all
else that AWS meters (`company_meters`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from infraspend.simulation.clock import utc

PAYER = "111122223333"
REPORTS = ("demo-hourly", "demo-daily", "demo-cur2")
"""What the reports of the simulated bill are called, the older kind and the newer."""
PRODUCTION = "012345678901"
DATA = "222233334444"
EDGE = "333344445555"
SANDBOX = "444455556666"
ACCOUNT_NAMES = {
    PAYER: "demo-management",
    PRODUCTION: "demo-production",
    DATA: "demo-data",
    EDGE: "demo-edge",
    SANDBOX: "demo-sandbox",
}

EAST = "us-east-1"
WEST = "us-west-2"
#: AWS puts the region before a usage type, except in its first region.
USAGE_TYPE_PREFIX = {EAST: "", WEST: "USW2-"}

LINUX = "Linux"
WINDOWS = "Windows"

#: The company pays nine tenths of what AWS asks, except for support, taxes and the marketplace.
NEGOTIATED_TENTHS = 9


# The records of the company are one of a kind: two are the same only if they are one, which also
# makes them quick to look up (`eq=False`).
@dataclass(frozen=True, eq=False)
class Mark:
    """The label that a resource's charges carry, and what the bill shows of it.

    `rule` is the rule_order of the row in `seeds/label_rules.csv` that finds the label, which is
    None where no rule does. A rule that is in force only `since` a moment leaves the charges
    before it unlabeled.
    """

    label: str
    rule: int | None
    tags: Mapping[str, str] = field(default_factory=dict)
    since: datetime | None = None

    def at(self, hour: datetime) -> tuple[str, int | None]:
        """The label and the rule of a charge of this hour."""
        is_in_force = self.since is None or hour >= self.since
        return (self.label, self.rule) if is_in_force else ("unlabeled", None)


UNMARKED = Mark("unlabeled", None)
IN_SANDBOX = Mark("sandbox", 80, since=utc("2026-10-15"))


def tagged(service: str, spelling: str = "", team: str = "") -> Mark:
    """A resource with a `service` tag, in the spelling that its owner chose."""
    tags = {"user_service": spelling or service}
    if team:
        tags["user_team"] = team
    return Mark(service, 10, tags)


def of_cluster(cluster: str) -> Mark:
    """A resource that EKS tagged with the name of its cluster."""
    return Mark(cluster, 20, {"aws_eks_cluster_name": cluster})


def named(service: str, number: int) -> Mark:
    """A machine from before the tags: its name says the service."""
    return Mark(service, 30, {"user_name": f"legacy-{service}-{number}"})


def untagged(account: str, product: str) -> Mark:
    """What the rules make of a charge that names nothing but its account and its product."""
    if (account, product) == (PRODUCTION, "AmazonECR"):
        return Mark("ci", 60)
    if product == "AmazonCloudWatch":
        return Mark("observability", 70)
    return IN_SANDBOX if account == SANDBOX else UNMARKED


def label_of_namespace(namespace: str) -> str:
    """The label that the company means by a namespace: a service's, but for two exceptions."""
    if namespace == "kube-system":
        return "kubernetes-system"
    return namespace.removesuffix("-canary")
