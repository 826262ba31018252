"""The simulated company: its accounts, prices, clusters, services and commitments.

A ride-hailing company of about 25 services in 8 teams and 3 orgs. Who owns what is declared in
`seeds/`; here stands what the company runs and how each resource says whose it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from loaders.simulation.units import units

# What is declared here is one of a kind: two records are the same only if they are one, which
# also makes them quick to look up (`eq=False`).

PAYER = "111122223333"
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


# How a resource says whose it is


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
    since: datetime = datetime.min

    def at(self, hour: datetime) -> tuple[str, int | None]:
        """The label and the rule of a charge of this hour."""
        return (self.label, self.rule) if hour >= self.since else ("unlabeled", None)


UNMARKED = Mark("unlabeled", None)
IN_SANDBOX = Mark("sandbox", 80, since=datetime(2026, 10, 15))


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
    """A machine from before the tags: its name tells the service."""
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


# Machines


@dataclass(frozen=True)
class InstanceType:
    """An EC2 instance type: its size, and what an hour of it costs (units of a dollar).

    `normalized_units` is AWS's size factor, by which a regional reservation is shared out;
    `plan_rate` is what the hour costs under the savings plan.
    """

    name: str
    vcpus: int
    memory_gib: int
    normalized_units: int
    on_demand: int
    plan_rate: int

    @property
    def family(self) -> str:
        """The part of the name that types of different sizes share: `c5`."""
        return self.name.split(".")[0]


INSTANCE_TYPES = {
    name: InstanceType(name, vcpus, gib, factor, units(on_demand), units(plan_rate))
    for name, vcpus, gib, factor, on_demand, plan_rate in (
        ("c5.xlarge", 4, 8, 8, "0.17", "0.12"),
        ("c5.2xlarge", 8, 16, 16, "0.34", "0.24"),
        ("c5.9xlarge", 36, 72, 72, "1.53", "1.08"),
        ("c5.18xlarge", 72, 144, 144, "3.06", "2.16"),
        ("m5.large", 2, 8, 4, "0.096", "0.07"),
        ("m5.xlarge", 4, 16, 8, "0.192", "0.14"),
        ("m5.4xlarge", 16, 64, 32, "0.768", "0.56"),
        ("r5.xlarge", 4, 32, 8, "0.252", "0.19"),
        ("r5.4xlarge", 16, 128, 32, "1.008", "0.76"),
        ("t3.medium", 2, 4, 2, "0.0416", "0.032"),
    )
}
#: What a licence adds to an hour of a machine.
LICENCE = {LINUX: 0, WINDOWS: units("0.092")}


@dataclass(frozen=True, eq=False)
class Fleet:
    """The machines of one service outside the clusters, by day and by night."""

    service: str
    account: str
    instance_type: str
    by_day: int
    by_night: int
    mark: Mark
    region: str = EAST
    operating_system: str = LINUX


FLEETS = (
    Fleet("payments", PRODUCTION, "m5.xlarge", 3, 3, tagged("payments", " payments", "payments")),
    Fleet("ledger", PRODUCTION, "m5.xlarge", 2, 2, tagged("ledger", team="payments")),
    Fleet("documents", PRODUCTION, "m5.large", 1, 1, tagged("documents"), EAST, WINDOWS),
    Fleet("routing", PRODUCTION, "c5.2xlarge", 2, 2, named("routing", 7)),
    Fleet("ci", PRODUCTION, "m5.large", 3, 0, tagged("ci", "CI")),
    Fleet("scratch", PRODUCTION, "m5.large", 1, 1, UNMARKED),
    Fleet("event-ingest", DATA, "c5.xlarge", 3, 2, tagged("event-ingest")),
    Fleet("feature-store", DATA, "r5.xlarge", 2, 2, tagged("feature-store")),
    Fleet("tiles", EDGE, "c5.xlarge", 2, 1, tagged("tiles", "Tiles", "maps"), WEST),
    Fleet("sandbox", SANDBOX, "t3.medium", 1, 1, IN_SANDBOX),
)


@dataclass(frozen=True)
class Migration:
    """A service that leaves its machines for a cluster, step by step between two moments."""

    fleet: Fleet
    cluster: str
    pods: int
    begins: datetime
    ends: datetime

    def moved_thousandths(self, hour: datetime) -> int:
        """How much of the service runs in the cluster: 0 to 1000."""
        seconds = int((min(max(hour, self.begins), self.ends) - self.begins).total_seconds())
        return 1000 * seconds // int((self.ends - self.begins).total_seconds())


MIGRATION = Migration(
    Fleet("matching", PRODUCTION, "c5.2xlarge", 6, 6, tagged("matching", "Matching", "dispatch")),
    cluster="core-1",
    pods=12,
    begins=datetime(2026, 9, 28),
    ends=datetime(2026, 11, 9),
)


# Clusters


@dataclass(frozen=True)
class NodeGroup:
    """The nodes of one type in a cluster.

    `always` nodes run all the time; `surge` nodes join at minute `joins` of every day and leave
    at minute `leaves`, both on the grid of 3 minutes.
    """

    name: str
    instance_type: str
    always: int
    surge: int = 0
    joins: int = 0
    leaves: int = 0
    is_spot: bool = False


@dataclass(frozen=True)
class Workload:
    """Pods that are alike: `by_day` and `by_night` of them, each with these containers.

    A container is (name, requested millicores, requested MiB). A `minutes` of less than 60 makes
    the workload a job that runs so long in each of its `hours`.
    """

    namespace: str
    name: str
    by_day: int
    by_night: int
    containers: tuple[tuple[str, int, int], ...]
    kind: str = "Deployment"
    minutes: int = 60
    hours: tuple[int, ...] = tuple(range(24))


@dataclass(frozen=True)
class Volume:
    """A volume of a cluster, with the claim that mounts it (None: nobody does)."""

    name: str
    volume_id: str
    gib: int
    namespace: str | None
    claim: str | None


@dataclass(frozen=True, eq=False)
class Cluster:
    """A Kubernetes cluster, whose spend is split by requests of `cost_model`'s resource."""

    name: str
    account: str
    cost_model: str
    mark: Mark
    groups: tuple[NodeGroup, ...]
    workloads: tuple[Workload, ...]
    volumes: tuple[Volume, ...]


def _web(namespace: str, by_day: int, by_night: int, millicores: int, mib: int) -> Workload:
    """A service behind the mesh: its own container and a proxy."""
    containers = (("app", millicores, mib), ("envoy", 250, 128))
    return Workload(namespace, namespace, by_day, by_night, containers)


def _system(name: str, pods: int) -> Workload:
    return Workload("kube-system", name, pods, pods, (("main", 100, 152),), "DaemonSet")


CLUSTERS = (
    Cluster(
        "core-0",
        PRODUCTION,
        "cpu",
        of_cluster("core-0"),
        (
            NodeGroup("general", "c5.18xlarge", 3, surge=1, joins=7 * 60 + 24, leaves=21 * 60 + 36),
            NodeGroup("small", "m5.4xlarge", 2),
        ),
        (
            _web("rider-api", 9, 5, 6000, 8192),
            _web("rider-web", 5, 3, 4000, 4096),
            _web("driver-api", 7, 4, 6000, 6144),
            _web("onboarding", 2, 2, 1500, 2048),
            _web("notifications", 4, 2, 2500, 3072),
            _web("pricing", 6, 4, 7500, 12288),
            _web("promotions", 2, 1, 1750, 2048),
            _web("ingress-gateway", 3, 3, 4000, 2048),
            Workload("rider-web-canary", "canary", 1, 1, (("app", 1000, 1024),)),
            _system("node-local-dns", 5),
        ),
        (
            Volume(
                "pvc-rider-api-cache",
                "vol-00086249a7284d21a",
                200,
                "rider-api",
                "cache-rider-api-0",
            ),
            Volume(
                "pvc-pricing-models", "vol-07cc966987c0588ea", 500, "pricing", "models-pricing-0"
            ),
            Volume("pvc-left-behind", "vol-0f818d535285287e3", 100, None, None),
        ),
    ),
    Cluster(
        "core-1",
        PRODUCTION,
        "cpu",
        # Spelled as its owner likes it; labels do not tell upper from lower case.
        tagged("core-1", "Core-1"),
        (
            NodeGroup("general", "c5.9xlarge", 2, surge=1, joins=5 * 60 + 51, leaves=22 * 60 + 9),
            NodeGroup("small", "m5.4xlarge", 2),
        ),
        (
            _web("dispatch-api", 4, 3, 3500, 4096),
            _web("eta", 5, 3, 3000, 6144),
            _web("geocoder", 3, 2, 2000, 8192),
            _web("fraud", 3, 2, 2750, 4096),
            _web("payments", 2, 2, 1500, 2048),
            _web("observability", 2, 2, 2000, 8192),
            _system("node-local-dns", 4),
        ),
        (
            Volume(
                "pvc-geocoder-index", "vol-090c9f78e9e65cffe", 800, "geocoder", "index-geocoder-0"
            ),
            Volume(
                "pvc-metrics",
                "vol-0177a7ea3611fe6b1",
                1000,
                "observability",
                "metrics-observability-0",
            ),
        ),
    ),
    Cluster(
        "batch-0",
        DATA,
        "memory",
        of_cluster("batch-0"),
        (
            NodeGroup("memory", "r5.4xlarge", 2, surge=1, joins=0, leaves=6 * 60 + 30),
            NodeGroup("drivers", "m5.4xlarge", 1),
            NodeGroup("spot", "c5.18xlarge", 0, surge=2, joins=9, leaves=5 * 60 + 45, is_spot=True),
        ),
        (
            Workload("event-ingest", "compactor", 3, 3, (("main", 2000, 24576),), "StatefulSet"),
            Workload(
                "feature-store", "serving", 2, 2, (("main", 3000, 40960), ("cache", 500, 4096))
            ),
            Workload(
                "forecasting", "train", 0, 8, (("main", 12000, 20480),), "Job", 45, (1, 2, 3, 4)
            ),
            Workload("reporting", "nightly", 0, 6, (("main", 4000, 16384),), "Job", 60, (2, 3, 5)),
            Workload("fraud", "score", 2, 2, (("main", 1000, 6144),), "Job", 15),
            _system("node-local-dns", 3),
        ),
        (
            Volume(
                "pvc-features", "vol-05b8a8b56dada6ce7", 2000, "feature-store", "features-serving-0"
            ),
        ),
    ),
)


# Commitments


@dataclass(frozen=True, eq=False)
class Reservation:
    """Reserved instances: one purchase, for a year, shared by all sizes of its family.

    The rates are units of a dollar for each normalized unit and hour.
    """

    name: str
    account: str
    instance_type: str
    count: int
    upfront_rate: int
    recurring_rate: int
    bought: datetime
    payment_option: str

    @property
    def arn(self) -> str:
        """The name that every line of this reservation carries."""
        return f"arn:aws:ec2:{EAST}:{self.account}:reserved-instances/{self.name}"

    @property
    def family(self) -> str:
        """The instance family whose machines it may cover."""
        return INSTANCE_TYPES[self.instance_type].family

    @property
    def units_per_reservation(self) -> int:
        """Normalized units of one of the reserved instances."""
        return INSTANCE_TYPES[self.instance_type].normalized_units


RESERVATIONS = (
    Reservation(
        "1f0c5a7e-c518-4d2b-9a61-000000000001",
        PRODUCTION,
        "c5.18xlarge",
        2,
        units("0.0061"),
        units("0.0062"),
        datetime(2026, 2, 10, 15),
        "Partial Upfront",
    ),
    Reservation(
        "2b7d9e10-54f3-4b8c-8e17-000000000002",
        PRODUCTION,
        "m5.4xlarge",
        3,
        units("0.0069"),
        units("0.0071"),
        datetime(2026, 10, 12, 8),
        "Partial Upfront",
    ),
    Reservation(
        "3c8e0f21-7a64-4c9d-8f28-000000000003",
        DATA,
        "r5.4xlarge",
        3,
        0,
        units("0.0198"),
        datetime(2026, 5, 4, 11),
        "No Upfront",
    ),
)


@dataclass(frozen=True, eq=False)
class SavingsPlan:
    """A compute savings plan without upfront payment; `commitment` is units of a dollar an hour."""

    name: str
    account: str
    commitment: int
    bought: datetime

    @property
    def arn(self) -> str:
        """The name that every line of this plan carries."""
        return f"arn:aws:savingsplans::{self.account}:savingsplan/{self.name}"


SAVINGS_PLAN = SavingsPlan(
    "4d9f1032-8b75-4dae-9039-000000000004", PAYER, units("3.6"), datetime(2026, 3, 1)
)


# Everything that is not a machine


@dataclass(frozen=True, eq=False)
class Meter:
    """A resource that AWS charges by the hour for an amount of something.

    `price` is units of a dollar for one `unit`; `amount` is thousandths of a unit in an ordinary
    hour, in steps of `step`; demand makes it swing with the time of day unless it is `steady`.
    """

    account: str
    mark: Mark
    product: str
    usage_type: str
    operation: str
    resource: str
    unit: str
    price: int
    amount: int
    step: int = 1
    steady: bool = False
    region: str = EAST
    instance_type: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    is_marketplace: bool = False


_REQUEST = 1000  # A meter that counts whole things steps by this many thousandths.


def _bucket(account: str, mark: Mark, name: str, gib_months: int, requests: int) -> Iterator[Meter]:
    yield Meter(
        account, mark, "AmazonS3", "TimedStorage-ByteHrs", "StandardStorage",
        name, "GB-Mo", units("0.023"), gib_months, steady=True,
    )  # fmt: skip
    yield Meter(
        account, mark, "AmazonS3", "Requests-Tier2", "GetObject",
        name, "Requests", units("0.0000004"), requests * _REQUEST, _REQUEST,
    )  # fmt: skip


def _database(account: str, service: str, size: str, price: str, engine: str) -> Iterator[Meter]:
    attributes = {"database_engine": engine, "deployment_option": "Single-AZ"}
    resource = f"arn:aws:rds:{EAST}:{account}:db:{service}-primary"
    yield Meter(
        account, tagged(service), "AmazonRDS", f"InstanceUsage:{size}", "CreateDBInstance:0014",
        resource, "Hrs", units(price), 1000, steady=True, instance_type=size,
        attributes={**attributes, "instance_type_family": size.split(".")[1]},
    )  # fmt: skip
    yield Meter(
        account, tagged(service), "AmazonRDS", "RDS:GP2-Storage", "CreateDBInstance:0014",
        resource, "GB-Mo", units("0.115"), 411, steady=True, attributes=attributes,
    )  # fmt: skip


def _table(service: str, mark: Mark, reads: int) -> Iterator[Meter]:
    for usage_type, price, factor in (
        ("ReadRequestUnits", "0.00000025", 4),
        ("WriteRequestUnits", "0.00000125", 1),
    ):
        yield Meter(
            PRODUCTION, mark, "AmazonDynamoDB", usage_type, "PayPerRequestThroughput",
            f"arn:aws:dynamodb:{EAST}:{PRODUCTION}:table/{service}.state",
            usage_type, units(price), reads * factor * _REQUEST, _REQUEST,
        )  # fmt: skip


def _cluster(cluster: Cluster) -> Iterator[Meter]:
    """What a cluster costs beside its nodes."""
    for volume in cluster.volumes:
        yield Meter(
            cluster.account, cluster.mark, "AmazonEC2", "EBS:VolumeUsage.gp3", "CreateVolume-Gp3",
            volume.volume_id, "GB-Mo", units("0.08"), volume.gib * 1000 // 730,
            steady=True,
        )  # fmt: skip
    for product, usage_type, operation, resource, unit, price, amount, steady in (
        ("AmazonEC2", "EBS:SnapshotUsage", "CreateSnapshot", "snapshots", "GB-Mo", "0.05", 1230, True),
        ("AWSELB", "LoadBalancerUsage", "LoadBalancing:Network", "ingress", "Hrs", "0.0225", 1000, True),
        ("AWSELB", "LCUUsage", "LoadBalancing:Network", "ingress", "LCU-Hrs", "0.006", 21500, False),
        ("AWSDataTransfer", "DataTransfer-Out-Bytes", "RunInstances", "", "GB", "0.09", 3400, False),
        ("AWSDataTransfer", "DataTransfer-Regional-Bytes", "InterZone-Out", "", "GB", "0.01", 52750, False),
        ("AmazonEKS", "AmazonEKS-Hours:perCluster", "CreateOperation", "cluster", "Hrs", "0.1", 1000, True),
    ):  # fmt: skip
        yield Meter(
            cluster.account, cluster.mark, product, usage_type, operation,
            f"{cluster.name}/{resource}" if resource else "",
            unit, units(price), amount, steady=steady,
        )  # fmt: skip


def _meters() -> Iterator[Meter]:
    for service, gib_months, requests in (
        ("rider-web", 900, 210_000),
        ("rider-api", 150, 95_000),
        ("driver-api", 175, 60_000),
        ("documents", 4200, 8_000),
        ("onboarding", 640, 3_500),
    ):
        yield from _bucket(PRODUCTION, tagged(service), f"{service}-files", gib_months, requests)
    yield from _bucket(EDGE, tagged("tiles", "TILES"), "tiles-rendered", 2750, 400_000)
    for service, gib_months, requests in (
        ("reporting", 3100, 41_000),
        ("feature-store", 5200, 88_000),
    ):
        mark = Mark(service, 50)
        yield from _bucket(DATA, mark, f"demo-{service}-data", gib_months, requests)
    yield from _bucket(DATA, tagged("event-ingest"), "event-ingest-raw", 8800, 150_000)
    yield from _bucket(
        DATA, tagged("warehouse", " Warehouse "), "warehouse-spectrum", 12400, 77_000
    )
    yield from _bucket(DATA, UNMARKED, "copy-of-copy-of-exports", 1900, 120)
    yield from _bucket(SANDBOX, IN_SANDBOX, "tryouts", 85, 40)

    for service, size, price, engine in (
        ("payments", "db.r5.large", "0.25", "PostgreSQL"),
        ("ledger", "db.r5.xlarge", "0.5", "PostgreSQL"),
        ("rider-api", "db.r5.large", "0.25", "PostgreSQL"),
        ("driver-api", "db.r5.large", "0.24", "MySQL"),
        ("pricing", "db.m5.large", "0.178", "PostgreSQL"),
        ("promotions", "db.t3.medium", "0.072", "PostgreSQL"),
    ):
        yield from _database(PRODUCTION, service, size, price, engine)

    for service, reads in (
        ("matching", 90_000),
        ("eta", 31_000),
        ("notifications", 22_000),
        ("fraud", 9_000),
    ):
        yield from _table(service, Mark(service, 40), reads)
    yield from _table("geocoder", tagged("geocoder", team="maps"), 15_000)

    for service, messages in (
        ("dispatch-api", 64_000),
        ("notifications", 120_000),
        ("onboarding", 2_000),
    ):
        yield Meter(
            PRODUCTION, tagged(service), "AWSQueueService", "Requests", "SendMessage",
            f"arn:aws:sqs:{EAST}:{PRODUCTION}:{service}", "Requests",
            units("0.0000004"), messages * _REQUEST, _REQUEST,
        )  # fmt: skip
    for service, seconds in (("documents", 5_200), ("promotions", 800)):
        yield Meter(
            PRODUCTION, tagged(service), "AWSLambda", "Lambda-GB-Second", "Invoke",
            f"arn:aws:lambda:{EAST}:{PRODUCTION}:function:{service}", "Lambda-GB-Second",
            units("0.0000166667"), seconds * _REQUEST, 10 * _REQUEST,
        )  # fmt: skip
    yield Meter(
        DATA, tagged("event-ingest", "Event-Ingest"), "AmazonKinesis", "Storage-ShardHour",
        "shardHourStorage", f"arn:aws:kinesis:{EAST}:{DATA}:stream/events", "ShardHour",
        units("0.015"), 24_000, steady=True,
    )  # fmt: skip
    for number in range(4):
        yield Meter(
            DATA, tagged("warehouse"), "AmazonRedshift", "Node:ra3.xlplus", "RunComputeNode:0001",
            f"arn:aws:redshift:{EAST}:{DATA}:cluster:warehouse/{number}", "Hrs",
            units("1.086"), 1000, steady=True, instance_type="ra3.xlplus",
        )  # fmt: skip
    for cluster in CLUSTERS:
        yield from _cluster(cluster)

    for account in (PRODUCTION, DATA):
        in_cloudwatch = untagged(account, "AmazonCloudWatch")
        yield Meter(
            account, in_cloudwatch, "AmazonCloudWatch", "CW:MetricMonitorUsage", "MetricStorage",
            "", "Metrics", units("0.3"), 2_150, steady=True,
        )  # fmt: skip
        yield Meter(
            account, in_cloudwatch, "AmazonCloudWatch", "DataProcessing-Bytes", "PutLogEvents",
            "", "GB", units("0.5"), 740,
        )  # fmt: skip
    # One rule asks for the product and the account: the images of another account stay unlabeled.
    for account in (PRODUCTION, DATA):
        yield Meter(
            account, untagged(account, "AmazonECR"), "AmazonECR", "TimedStorage-ByteHrs", "Storage",
            f"arn:aws:ecr:{EAST}:{account}:repository/images", "GB-Mo", units("0.1"), 333,
            steady=True,
        )  # fmt: skip
    for number in range(2):
        yield Meter(
            PRODUCTION, UNMARKED, "AmazonEC2", "NatGateway-Hours", "NatGateway",
            f"arn:aws:ec2:{EAST}:{PRODUCTION}:natgateway/{number}", "Hrs",
            units("0.045"), 1000, steady=True,
        )  # fmt: skip
    for account in (PRODUCTION, DATA, EDGE):
        yield Meter(
            account, UNMARKED, "awskms", "KMS-Requests", "Decrypt", "", "Requests",
            units("0.000003"), 12_000 * _REQUEST, _REQUEST,
        )  # fmt: skip
        yield Meter(
            account, UNMARKED, "AWSDataTransfer", "DataTransfer-Out-Bytes", "GetObject", "", "GB",
            units("0.09"), 640,
        )  # fmt: skip
    yield Meter(
        PRODUCTION, tagged("observability"), "8f5h2kq0demo", "SoftwareUsage:hosts", "SoftwareUsage",
        "", "Hosts", units("0.021"), 31_000, steady=True, is_marketplace=True,
    )  # fmt: skip


METERS = tuple(_meters())
