"""What the tracker costs: requests, CPU and time for a day of many clusters, of a real Prometheus.

    python -m tests.bench.tracking [--pods N] [--hours N] [--clusters N]

One cluster's samples are made up, a scrape a minute: pods with requests, use and labels, a node for
every ten of them. The server has them once, and every cluster of the run asks for them, eight side
by side.
"""

import argparse
import re
import resource
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

from infraspend.loaders.kubernetes.prometheus import Access
from infraspend.loaders.kubernetes.sources import Source
from infraspend.loaders.kubernetes.tracker import track
from tests.tracker.exporter import GIB, Cluster, Exporter
from tests.tracker.servers import find_binaries, prometheus

PODS = 1000
HOURS = 24
CLUSTERS = 50

_PODS_PER_NODE = 10
_SAMPLES_PER_FILE = 4_000_000
_FIRST = datetime(2026, 11, 1)


def samples(pods: int, hours: int) -> tuple[int, list[str]]:
    """How many samples the cluster has, and the samples, some pods in each OpenMetrics text."""
    count, texts = 0, []
    scrapes = range(hours * 60 + 1)
    each = max(1, _SAMPLES_PER_FILE // (10 * len(scrapes)))
    for first in range(0, pods, each):
        exporter = Exporter()
        cluster = Cluster(exporter, "", scrapes)
        for number in range(first, min(first + each, pods)):
            node, pod = f"node-{number // _PODS_PER_NODE}", f"web-{number}"
            if number % _PODS_PER_NODE == 0:
                cluster.node(node)
            requests = {"cpu": 1.0, "memory": 2.0 * GIB}
            cluster.pod(pod, f"team-{number % 20}", f"uid-{number}", node, requests=requests)
            labels = {"namespace": f"team-{number % 20}", "pod": pod, "uid": f"uid-{number}"}
            cluster.gauge("kube_pod_labels", labels | {"label_app": f"app-{number % 40}"}, 1)
            use = {"namespace": labels["namespace"], "pod": pod, "container": "main"}
            use["instance"] = node
            seconds = {scrape: 1e6 + scrape * 30.0 for scrape in scrapes}
            cluster.cadvisor("container_cpu_usage_seconds_total", use, seconds)
            working_set = dict.fromkeys(scrapes, 1.0 * GIB)
            cluster.cadvisor("container_memory_working_set_bytes", use, working_set)
        count += sum(map(len, exporter.families.values()))
        texts.append(exporter.text())
    return count, texts


def requests_to(url: str) -> int:
    """How many queries the server has answered."""
    with urlopen(f"{url}/metrics") as answer:
        text = answer.read().decode()
    found = re.findall(r'^prometheus_http_requests_total\{.*handler="/api/v1/.*} (\d+)', text, re.M)
    return sum(map(int, found))


def main() -> None:
    """Prints what a run costs."""
    parser = argparse.ArgumentParser(description="What the tracker costs.")
    parser.add_argument("--pods", type=int, default=PODS)
    parser.add_argument("--hours", type=int, default=HOURS)
    parser.add_argument("--clusters", type=int, default=CLUSTERS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="infraspend-bench-") as directory:
        root = Path(directory)
        (root / "cache").mkdir()
        count, texts = samples(arguments.pods, arguments.hours)
        with prometheus(find_binaries(root / "cache"), root / "data", *texts) as url:
            del texts
            asked, started = requests_to(url), time.perf_counter()
            before = resource.getrusage(resource.RUSAGE_SELF)
            tracked = track(
                [
                    Source(f"cluster-{number}", Access(url), match={})
                    for number in range(arguments.clusters)
                ],
                str(root / "collections"),
                since=_FIRST,
                until=_FIRST + timedelta(hours=arguments.hours),
                now=_FIRST + timedelta(days=30),
            )
            wall = time.perf_counter() - started
            after = resource.getrusage(resource.RUSAGE_SELF)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(
                f"{arguments.clusters} clusters of {arguments.pods:,} pods, {arguments.hours} hours"
                f" ({count:,} samples each): {tracked.hours:,} hours collected,"
                f" {requests_to(url) - asked:,} requests, {cpu:.1f} s of CPU, {wall:.0f} s,"
                f" {after.ru_maxrss / 1024:,.0f} MiB at most"
            )


if __name__ == "__main__":
    main()
