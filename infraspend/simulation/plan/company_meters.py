"""Everything that AWS meters for the company beside its machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from infraspend.simulation.clock import BEGINNING, utc
from infraspend.simulation.plan.company import (
    DATA,
    EAST,
    EDGE,
    IN_SANDBOX,
    PRODUCTION,
    SANDBOX,
    UNMARKED,
    Mark,
    tagged,
    untagged,
)
from infraspend.simulation.plan.company_clusters import CLUSTERS, Cluster
from infraspend.simulation.plan.company_platforms import KUBERNETES, SUB_PLATFORMS
from infraspend.simulation.units import units


@dataclass(frozen=True, eq=False)
class Meter:
    """A resource that AWS charges by the hour for an amount of something.

    `price` is units of a dollar for one `unit`; `amount` is thousandths of a unit in an ordinary
    hour, in steps of `step`; demand makes it swing with the time of day unless it is `steady`.
    There is no such resource before `since`.
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
    since: datetime = BEGINNING


@dataclass(frozen=True)
class Loop:
    """A function that sets itself off, until somebody sees the bill."""

    service: str
    product: str
    since: datetime
    until: datetime
    times: int

    def is_of(self, meter: Meter, hour: datetime) -> bool:
        """Whether it runs up this meter in an hour."""
        is_one = (meter.mark.label, meter.product) == (self.service, self.product)
        return is_one and self.since <= hour < self.until


LOOP = Loop("documents", "AWSLambda", utc("2026-11-09T15"), utc("2026-11-13T10"), 70)

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
    since = SUB_PLATFORMS[KUBERNETES, cluster.name].since
    for volume in cluster.volumes:
        yield Meter(
            cluster.account, cluster.mark, "AmazonEC2", "EBS:VolumeUsage.gp3", "CreateVolume-Gp3",
            volume.volume_id, "GB-Mo", units("0.08"), volume.gib * 1000 // 730,
            steady=True, since=since,
        )  # fmt: skip
    for product, usage_type, operation, unit, price, amount in (
        ("AmazonEC2", "EBS:SnapshotUsage", "CreateSnapshot", "GB-Mo", "0.05", 1230),
        ("AWSELB", "LoadBalancerUsage", "LoadBalancing:Network", "Hrs", "0.0225", 1000),
        ("AWSELB", "LCUUsage", "LoadBalancing:Network", "LCU-Hrs", "0.006", 21500),
        ("AWSDataTransfer", "DataTransfer-Out-Bytes", "RunInstances", "GB", "0.09", 3400),
        ("AWSDataTransfer", "DataTransfer-Regional-Bytes", "InterZone-Out", "GB", "0.01", 52750),
        ("AmazonEKS", "AmazonEKS-Hours:perCluster", "CreateOperation", "Hrs", "0.1", 1000),
    ):
        yield Meter(
            cluster.account, cluster.mark, product, usage_type, operation, cluster.name,
            unit, units(price), amount, steady=unit in ("Hrs", "GB-Mo"), since=since,
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
    yield from _bucket(DATA, tagged("lyftlearn", "LyftLearn"), "models", 2300, 64_000)
    # Their names say the service.
    yield from _bucket(DATA, Mark("reporting", 50), "demo-reporting-data", 3100, 41_000)
    yield from _bucket(DATA, Mark("feature-store", 50), "demo-feature-store-data", 5200, 88_000)
    yield from _bucket(DATA, tagged("event-ingest"), "event-ingest-raw", 8800, 150_000)
    yield from _bucket(DATA, tagged("warehouse", " Warehouse "), "spectrum", 12400, 77_000)
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
