"""Gauges about a run, for the node exporter's textfile collector or a Pushgateway."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, pushadd_to_gateway, write_to_textfile

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.kubernetes.tracker import ClusterRun

_JOB: Final = "infraspend_tracker"
_GAUGES: Final[Mapping[str, tuple[str, Callable[[ClusterRun], float | None]]]] = {
    "success": (
        "1 if all of the cluster could be collected, 0 if not",
        lambda run: run.is_good,
    ),
    "hours_behind": (
        "Hours that have passed since the last one that was collected",
        lambda run: run.hours_behind,
    ),
    "coverage": ("The part of its scrapes that the last hour had", lambda run: run.coverage),
    "rejected_values": ("Reasons to leave something out in the last run", lambda run: run.rejects),
    "duration_seconds": ("How long the last run took", lambda run: run.seconds),
}


def write_gauges(to: str, clusters: Mapping[str, ClusterRun]) -> None:
    """Writes gauges per cluster of how the run went; unknown values have none.

    Args:
        to: A file `*.prom` for the node exporter, replaced whole, or the `http://` address of a
            Pushgateway.
        clusters: How the run went, by cluster.

    Raises:
        InfraspendError: It cannot be written.
    """
    registry = CollectorRegistry()
    for name, (meaning, value) in _GAUGES.items():
        gauge = Gauge(f"{_JOB}_{name}", meaning, ["cluster"], registry=registry)
        for cluster, run in clusters.items():
            if (found := value(run)) is not None:
                gauge.labels(cluster).set(found)
    if clusters:
        last = Gauge(f"{_JOB}_last_run_timestamp_seconds", "When it ran last", registry=registry)
        last.set_to_current_time()
    try:
        if to.startswith(("http://", "https://")):
            pushadd_to_gateway(to, job=_JOB, registry=registry)
        else:
            write_to_textfile(str(Path(to)), registry)
    except OSError as error:
        raise InfraspendError(f"gauges cannot be written to {to} ({error})") from error
