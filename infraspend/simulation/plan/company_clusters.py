"""The company's Kubernetes clusters: their nodes, what runs on them and their volumes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from infraspend.simulation.plan.company import DATA, PRODUCTION, Mark, of_cluster, tagged


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


@dataclass(frozen=True, eq=False)
class Workload:
    """Pods that are alike: `by_day` and `by_night` of them, each with these containers.

    A container is (name, requested millicores, requested MiB). A `minutes` of less than 60 makes
    the workload a job that runs so long in each of its `hours`. A pod that asks for `gpus` has them
    in its first container; it waits where no node has any. `labels` are what Kubeflow writes on its
    pods.
    """

    namespace: str
    name: str
    by_day: int
    by_night: int
    containers: tuple[tuple[str, int, int], ...]
    kind: str = "Deployment"
    minutes: int = 60
    hours: tuple[int, ...] = tuple(range(24))
    gpus: int = 0
    labels: tuple[tuple[str, str], ...] = ()

    @cached_property
    def requested(self) -> tuple[int, int, int]:
        """Millicores, MiB and GPUs that one of its pods requests."""
        return (
            sum(millicores for _, millicores, _ in self.containers),
            sum(mib for _, _, mib in self.containers),
            self.gpus,
        )


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
    """A Kubernetes cluster."""

    name: str
    account: str
    mark: Mark
    groups: tuple[NodeGroup, ...]
    workloads: tuple[Workload, ...]
    volumes: tuple[Volume, ...]


def _web(namespace: str, by_day: int, by_night: int, millicores: int, mib: int) -> Workload:
    """A service behind the mesh: its own container and a proxy."""
    containers = (("app", millicores, mib), ("envoy", 250, 128))
    return Workload(namespace, namespace, by_day, by_night, containers)


def _job(
    namespace: str,
    name: str,
    by_day: int,
    by_night: int,
    millicores: int,
    mib: int,
    *,
    minutes: int,
    hours: tuple[int, ...] = tuple(range(24)),
    gpus: int = 0,
    labels: tuple[tuple[str, str], ...] = (),
) -> Workload:
    containers = (("main", millicores, mib),)
    return Workload(
        namespace, name, by_day, by_night, containers, "Job", minutes, hours, gpus, labels
    )


def _system(name: str, pods: int) -> Workload:
    return Workload("kube-system", name, pods, pods, (("main", 100, 152),), "DaemonSet")


CLUSTERS = (
    Cluster(
        "core-0",
        PRODUCTION,
        of_cluster("core-0"),
        (
            NodeGroup("general", "c5.18xlarge", 3, surge=1, joins=7 * 60 + 24, leaves=21 * 60 + 36),
            NodeGroup("small", "m5.4xlarge", 2),
        ),
        (
            _web("rider-api", 11, 7, 6000, 8192),
            _web("rider-web", 5, 3, 4000, 4096),
            _web("driver-api", 9, 6, 6000, 6144),
            _web("onboarding", 2, 2, 1500, 2048),
            _web("notifications", 4, 2, 2500, 3072),
            _web("pricing", 7, 5, 7500, 12288),
            _web("promotions", 2, 1, 1750, 2048),
            _web("ingress-gateway", 3, 3, 4000, 2048),
            Workload("rider-web-canary", "canary", 1, 1, (("app", 1000, 1024),)),
            _system("node-local-dns", 5),
        ),
        (
            Volume("pvc-rider-api-cache", "vol-00086249a7284d21a", 200, "rider-api", "cache-0"),
            Volume("pvc-pricing-models", "vol-07cc966987c0588ea", 500, "pricing", "models-0"),
            Volume("pvc-left-behind", "vol-0f818d535285287e3", 100, None, None),
        ),
    ),
    Cluster(
        "core-1",
        PRODUCTION,
        # Spelled as its owner likes it; labels ignore case.
        tagged("core-1", "Core-1"),
        (
            NodeGroup("general", "c5.9xlarge", 2, surge=1, joins=5 * 60 + 51, leaves=22 * 60 + 9),
            NodeGroup("small", "m5.4xlarge", 2),
        ),
        (
            _web("dispatch-api", 6, 4, 3500, 4096),
            _web("eta", 6, 4, 3000, 6144),
            _web("geocoder", 4, 3, 2000, 8192),
            _web("fraud", 3, 2, 2750, 4096),
            _web("payments", 2, 2, 1500, 2048),
            _web("observability", 2, 2, 2000, 8192),
            _system("node-local-dns", 4),
        ),
        (
            Volume("pvc-geocoder-index", "vol-090c9f78e9e65cffe", 800, "geocoder", "index-0"),
            Volume("pvc-metrics", "vol-0177a7ea3611fe6b1", 1000, "observability", "metrics-0"),
        ),
    ),
    Cluster(
        "batch-0",
        DATA,
        of_cluster("batch-0"),
        (
            NodeGroup("memory", "r5.4xlarge", 2, surge=1, joins=0, leaves=6 * 60 + 30),
            NodeGroup("drivers", "m5.4xlarge", 1),
            NodeGroup("spot", "c5.18xlarge", 0, surge=2, joins=9, leaves=5 * 60 + 45, is_spot=True),
        ),
        (
            Workload("event-ingest", "compactor", 5, 5, (("main", 2000, 24576),), "StatefulSet"),
            Workload(
                "feature-store", "serving", 3, 3, (("main", 3000, 40960), ("cache", 500, 4096))
            ),
            _job("forecasting", "train", 0, 8, 12000, 20480, minutes=45, hours=(1, 2, 3, 4)),
            _job("reporting", "nightly", 0, 6, 4000, 16384, minutes=60, hours=(2, 3, 5)),
            _job("fraud", "score", 2, 2, 1000, 6144, minutes=15),
            _system("node-local-dns", 3),
        ),
        (Volume("pvc-features", "vol-05b8a8b56dada6ce7", 2000, "feature-store", "features-0"),),
    ),
    Cluster(
        "ml-0",
        DATA,
        of_cluster("ml-0"),
        (
            # Nobody trains at night: the machines with GPUs are given back.
            NodeGroup("gpu", "g5.xlarge", 0, surge=2, joins=5 * 60 + 48, leaves=22 * 60 + 30),
            NodeGroup("general", "m5.xlarge", 2),
        ),
        (
            _job(
                *("lyftlearn", "train", 1, 1, 2500, 11264),
                minutes=45,
                gpus=1,
                labels=(
                    ("katib.kubeflow.org/experiment", "ride-demand"),
                    ("pipeline/runid", "ride-demand"),
                ),
            ),
            Workload(
                *("eta", "inference", 1, 1, (("app", 1500, 6144), ("envoy", 250, 128))),
                gpus=1,
                labels=(("serving.kserve.io/inferenceservice", "eta"),),
            ),
            # Nobody has a notebook open at night.
            replace(_web("lyftlearn", 1, 0, 1000, 4096), labels=(("notebook-name", "research"),)),
            replace(
                _web("lyftlearn", 1, 1, 1000, 4096),
                name="ride-demand",
                labels=(("serving.kserve.io/inferenceservice", "ride-demand"),),
            ),
            _web("pricing", 1, 1, 750, 3072),
            _job(
                *("fraud", "features", 1, 2, 500, 2048),
                minutes=30,
                labels=(("pipeline/runid", "fraud-features"),),
            ),
            _system("node-local-dns", 2),
        ),
        (Volume("pvc-notebooks", "vol-0b61d2f7c35e9a084", 300, "lyftlearn", "notebooks-0"),),
    ),
)
