"""Clusters in which something is out of the ordinary, by name."""

from collections.abc import Iterable
from math import inf, nan

from tests.tracker.exporter import GIB, HOUR, START, Cluster, Exporter

HOSTILE = "a\"b\\c\nd{e}'; drop table x; -- {{ f }} $1 .*"
"""A text that means something in every language on the way."""

PUSHED = "infraspend_platform_usage"


def scenarios() -> str:
    """Every cluster but the one that does not name itself."""
    exporter = Exporter()
    _gap(exporter)
    _sparse(exporter)
    _replicas(exporter)
    _exported(exporter)
    _init(exporter)
    _bad(exporter)
    _bad_usage(exporter)
    _moved(exporter)
    _upgrade(exporter)
    _first_generation(exporter)
    _unaligned(exporter)
    _hostile(exporter)
    _gpu(exporter)
    _facts(exporter)
    _pushed(exporter)
    _no_phase(exporter)
    _short(exporter)
    _began(exporter)
    _scheduled(exporter)
    _honored_and_not(exporter)
    _switched(exporter)
    _gpus(exporter)
    _neurons(exporter)
    _resized(exporter)
    _namesakes(exporter)
    _two_rhythms(exporter)
    _one_kubelet_away(exporter)
    _around_the_edge(exporter)
    _shards(exporter)
    _shards_in_turn(exporter)
    _shard_away(exporter)
    _shards_restarted(exporter)
    _faster(exporter)
    _no_cadvisor(exporter)
    _kubelets_away(exporter)
    _windows(exporter)
    _kubeflow(exporter)
    _passed_on(exporter)
    _host_network(exporter)
    _stale(exporter)
    _mixed(exporter)
    _pods_away(exporter)
    _gpu_unmeasured(exporter)
    _traffic_away(exporter)
    _deleted(exporter)
    return exporter.text()


def lone_cluster() -> str:
    """A cluster whose series do not name it."""
    exporter = Exporter()
    cluster = Cluster(exporter, "", prefix="exported_")
    cluster.node("node-1", instance_type="")
    cluster.pod("web-0")
    exporter.add(PUSHED, _usage("queues", "kafka-0", "api"), dict.fromkeys(HOUR, 3.0))
    return exporter.text()


def _cluster(exporter: Exporter, name: str, scrapes: Iterable[int] = HOUR) -> Cluster:
    cluster = Cluster(exporter, name, scrapes)
    cluster.node("node-1")
    return cluster


def _gap(exporter: Exporter) -> None:
    """Ten scrapes are missing; one pod ran all the hour, one in its first half."""
    cluster = _cluster(exporter, "gap", [*range(10), *range(20, 60)])
    cluster.pod("steady")
    cluster.pod("half", scrapes=range(30))


def _sparse(exporter: Exporter) -> None:
    """An hour, five scrapes of the next, none of the third, and another hour."""
    cluster = _cluster(exporter, "sparse", [*range(65), *range(180, 240)])
    cluster.pod("steady")


def _replicas(exporter: Exporter) -> None:
    """Two kube-state-metrics, each with a gap, at other seconds."""
    one = Cluster(exporter, "replicas", [*range(10), *range(20, 60)])
    two = Cluster(exporter, "replicas", [*range(30), *range(40, 60)], instance="ksm-1", shift=17.3)
    for replica in (one, two):
        replica.node("node-1")
        replica.pod("steady")


def _exported(exporter: Exporter) -> None:
    """honor_labels is off."""
    cluster = Cluster(exporter, "exported", prefix="exported_")
    cluster.node("node-1")
    cluster.pod("web-0", namespace="api")
    cluster.pod("web-0", namespace="maps", requests={"cpu": 2.0, "memory": 3 * GIB})


def _init(exporter: Exporter) -> None:
    """An init container that asks for more CPU than the containers, and less memory."""
    cluster = _cluster(exporter, "init")
    cluster.pod("web-0", requests={"cpu": 1.0, "memory": 4 * GIB})
    for resource, value in (("cpu", 3.0), ("memory", 1 * GIB)):
        labels = {"namespace": "api", "pod": "web-0", "uid": "1", "node": "node-1"}
        cluster.gauge(
            "kube_pod_init_container_resource_requests",
            labels | {"container": "migrate", "resource": resource},
            value,
        )


def _bad(exporter: Exporter) -> None:
    """Requests that are no measurements, in four scrapes."""
    cluster = _cluster(exporter, "bad")
    cluster.pod("good")
    labels = {"namespace": "api", "pod": "good", "uid": "1", "node": "node-1", "resource": "cpu"}
    for container, scrape, value in (
        ("a", 5, nan),
        ("b", 6, inf),
        ("c", 7, -1.0),
        ("d", 8, 1e308),
    ):
        exporter.add(
            "kube_pod_container_resource_requests",
            {"cluster": "bad", "container": container} | labels,
            dict.fromkeys(HOUR, 1.0) | {scrape: value},
        )


def _bad_usage(exporter: Exporter) -> None:
    """Usage that is no measurement."""
    cluster = _cluster(exporter, "bad-usage")
    for pod, value in (("good", GIB), ("bad", nan)):
        cluster.pod(pod)
        cluster.cadvisor(
            "container_memory_working_set_bytes",
            {"namespace": "api", "pod": pod, "container": "main"},
            dict.fromkeys(HOUR, float(value)),
        )


def _moved(exporter: Exporter) -> None:
    """One name, borne in turn by two pods on two nodes."""
    cluster = _cluster(exporter, "moved")
    cluster.node("node-2", instance_type="c5.4xlarge")
    for node, uid, when, rate in (("node-1", "1", range(30), 30), ("node-2", "2", HOUR[30:], 15)):
        cluster.pod("web-0", uid=uid, node=node, scrapes=when)
        cluster.cadvisor(
            "container_cpu_usage_seconds_total",
            {"instance": node, "namespace": "api", "pod": "web-0", "container": "main"},
            {scrape: float(rate * (scrape - when[0])) for scrape in when},
        )


def _upgrade(exporter: Exporter) -> None:
    """kube-state-metrics 1 and then 2, which has uids; for five scrapes both."""
    cluster = _cluster(exporter, "upgrade")
    cluster.pod("web-0", scrapes=range(25, 60))
    of = {"cluster": "upgrade", "job": "kube-state-metrics-1"}
    pod = of | {"namespace": "api", "pod": "web-0"}
    info = pod | {"node": "node-1", "uid": "1"}
    for metric, labels in (
        ("kube_pod_status_phase", pod | {"phase": "Running"}),
        ("kube_pod_info", info),
        (
            "kube_pod_container_resource_requests_cpu_cores",
            pod | {"node": "node-1", "container": "main"},
        ),
    ):
        exporter.add(metric, labels, dict.fromkeys(range(30), 1.0))


def _first_generation(exporter: Exporter) -> None:
    """Nothing but what kube-state-metrics 1 and a kubelet before 1.16 export."""
    cluster = {"cluster": "first-generation"}
    node = cluster | {"node": "node-1"}
    pod = cluster | {"namespace": "api", "pod": "web-0"}
    container = pod | {"node": "node-1", "container": "main"}
    exported = (
        ("kube_node_status_capacity_cpu_cores", node, 16),
        ("kube_node_status_capacity_memory_bytes", node, 64 * GIB),
        ("kube_node_labels", node | {"label_beta_kubernetes_io_instance_type": "m4.large"}, 1),
        ("kube_pod_status_phase", pod | {"phase": "Running"}, 1),
        ("kube_pod_info", pod | {"node": "node-1", "uid": "1"}, 1),
        ("kube_pod_container_resource_requests_cpu_cores", container, 2),
        ("kube_pod_container_resource_requests_memory_bytes", container, 3 * GIB),
    )
    for metric, labels, value in exported:
        exporter.add(metric, labels, dict.fromkeys(HOUR, value))
    old = {"namespace": "api", "pod_name": "web-0", "container_name": "main"}
    exporter.add("container_memory_working_set_bytes", cluster | old, dict.fromkeys(HOUR, 1 * GIB))


def _unaligned(exporter: Exporter) -> None:
    """Scraped at 59.95 seconds past the minute; the cluster next to it half an hour late."""
    cluster = Cluster(exporter, "unaligned", shift=59.95)
    cluster.node("node-1")
    cluster.pod("steady")
    late = Cluster(exporter, "skewed", shift=1800)
    late.node("node-1")
    late.pod("steady")


def _hostile(exporter: Exporter) -> None:
    """Every name and value is hostile, the cluster's own as well."""
    cluster = _cluster(exporter, HOSTILE)
    cluster.pod(HOSTILE, namespace=HOSTILE, uid=HOSTILE, container=HOSTILE)
    cluster.pod(HOSTILE, namespace=HOSTILE, uid="2", container=HOSTILE, scrapes=[59])
    cluster.cadvisor(
        "container_memory_working_set_bytes",
        {"namespace": HOSTILE, "pod": HOSTILE, "container": HOSTILE},
        dict.fromkeys(HOUR, float(GIB)),
    )


def _gpu(exporter: Exporter) -> None:
    """A GPU of two is used by half, in a pod that dcgm-exporter names."""
    cluster = _cluster(exporter, "gpu")
    cluster.gauge("kube_node_status_capacity", {"node": "node-1", "resource": "nvidia_com_gpu"}, 2)
    cluster.pod("train", requests={"nvidia_com_gpu": 2.0})
    for gpu, used in (("0", 50.0), ("1", 0.0)):
        cluster.cadvisor(
            "DCGM_FI_DEV_GPU_UTIL",
            {
                "gpu": gpu,
                "namespace": "monitoring",
                "pod": "dcgm",
                "container": "dcgm",
                "exported_namespace": "api",
                "exported_pod": "train",
                "exported_container": "main",
            },
            dict.fromkeys(HOUR, used),
        )


def _facts(exporter: Exporter) -> None:
    """Owners, labels, volumes, network, disks: everything that is no request."""
    cluster = _cluster(exporter, "facts")
    node = {"node": "node-1"}
    cluster.gauge("kube_node_info", node | {"provider_id": "aws:///us-east-1b/i-0abc"}, 1)
    cluster.gauge("kube_node_status_allocatable", node | {"resource": "cpu"}, 15)
    replica_set = {"namespace": "api", "replicaset": "web-7f"}
    made_by = {"owner_kind": "ReplicaSet", "owner_name": "web-7f"}
    cluster.pod("web-7f-x")
    pod = {"namespace": "api", "pod": "web-7f-x", "uid": "1"}
    cluster.gauge("kube_pod_owner", pod | made_by, 1)
    deployment = {"owner_kind": "Deployment", "owner_name": "web"}
    cluster.gauge("kube_replicaset_owner", replica_set | deployment, 1)
    labels = {"label_app_kubernetes_io_name": "web", "label_tier": "front"}
    cluster.gauge("kube_pod_labels", pod | labels, 1)
    for interface, speed in (("eth0", GIB / 60), ("eth1", GIB / 60)):
        cluster.cadvisor(
            "container_network_receive_bytes_total",
            {"namespace": "api", "pod": "web-7f-x", "interface": interface},
            {scrape: scrape * speed for scrape in HOUR},
        )
    container = {"namespace": "api", "pod": "web-7f-x", "container": "main"}
    for direction, device, speed in (
        ("reads", "/dev/sda", GIB / 60),
        ("reads", "/dev/sdb", GIB / 60),
        ("writes", "/dev/sda", GIB / 120),
    ):
        cluster.cadvisor(
            f"container_fs_{direction}_bytes_total",
            container | {"device": device},
            {scrape: scrape * speed for scrape in HOUR},
        )
    volume = {"persistentvolume": "pvc-1"}
    cluster.gauge("kube_persistentvolume_capacity_bytes", volume, 8 * GIB)
    handle = {"storageclass": "gp3", "csi_volume_handle": "vol-0123abc"}
    cluster.gauge("kube_persistentvolume_info", volume | handle, 1)
    claim = {"name": "data", "claim_namespace": "api"}
    cluster.gauge("kube_persistentvolume_claim_ref", volume | claim, 1)


def _pushed(exporter: Exporter) -> None:
    """What platforms push: one whole, one that is scraped too seldom, one that is nonsense."""
    _cluster(exporter, "pushed").pod("steady")
    of = {"cluster": "pushed", "job": "queues"}
    whole = [*range(20), *range(30, 60)]
    exporter.add(PUSHED, of | _usage("queues", "kafka-0", "api"), dict.fromkeys(whole, 6.0))
    exporter.add(PUSHED, of | _usage("queues", "kafka-0", "maps"), dict.fromkeys(whole[:25], 4.0))
    free = {"platform": "queues", "sub_platform": "kafka-0", "label": "free"}
    exporter.add(PUSHED, of | free, dict.fromkeys(whole, 2.0))
    rare = {"cluster": "pushed", "job": "rare"} | _usage("queues", "kafka-1", "api")
    exporter.add(PUSHED, rare, dict.fromkeys(range(0, 60, 10), 1.0))
    bad = {"cluster": "pushed", "job": "bad"} | _usage("queues", "kafka-2", "api")
    exporter.add(PUSHED, bad, dict.fromkeys(HOUR, -1.0))
    path = {"cluster": "pushed", "job": "path"} | _usage("../queues", "kafka-3", "api")
    exporter.add(PUSHED, path, dict.fromkeys(HOUR, 1.0))


def _no_phase(exporter: Exporter) -> None:
    """Nothing exports which pods were Running."""
    _cluster(exporter, "no-phase")


def _short(exporter: Exporter) -> None:
    """In the second hour 40 jobs of 90 s, each seen twice, use a core-hour together."""
    cluster = _cluster(exporter, "short", range(120))
    cluster.pod("steady")
    cpu = "container_cpu_usage_seconds_total"
    main = {"namespace": "api", "container": "main"}
    cluster.cadvisor(cpu, main | {"pod": "steady"}, {one: 1e6 + one * 30 for one in range(120)})
    for number in range(40):
        seen = 60 + number + 10, 60 + number + 11
        cluster.pod(f"job-{number}", scrapes=seen)
        values = dict(zip(seen, (60.0, 90.0), strict=True))
        cluster.cadvisor(cpu, main | {"pod": f"job-{number}"}, values)


def _began(exporter: Exporter) -> None:
    """In the second hour every pod uses half a core while it runs, whatever began when."""
    cluster = _cluster(exporter, "began", range(120))
    # kube-state-metrics knows `unseen` from the second hour on: a shard was away.
    second = Cluster(exporter, "began", range(60, 120))
    cluster.pod("restarted", uid="r")
    second.pod("unseen", uid="u")
    for name, handed_over in (("in-turn", 90), ("renewed", 60)):
        cluster.pod(name, uid=f"{name}-1", scrapes=range(handed_over))
        cluster.pod(name, uid=f"{name}-2", scrapes=range(handed_over, 120))
    second.node("node-2")
    for pod, minute, scrapes in (("on-new-node", 0, range(60, 120)), ("job", 10, (70, 71))):
        second.pod(pod, uid=pod, node="node-2", scrapes=scrapes)
        started = {"namespace": "api", "pod": pod, "uid": pod}
        second.gauge("kube_pod_start_time", started, START + 3600 + minute * 60)
    for pod, node, group, scrapes in (
        ("restarted", "node-1", "/podr/1", range(90)),
        ("restarted", "node-1", "/podr/2", range(90, 120)),
        ("unseen", "node-1", "/podu/1", range(120)),
        ("in-turn", "node-1", "/podin_turn_1/1", range(90)),
        ("in-turn", "node-1", "/podin_turn_2/1", range(90, 120)),
        ("renewed", "node-1", "/podrenewed-1/1", range(60)),
        ("renewed", "node-1", "/podrenewed-2/1", range(60, 120)),
        ("on-new-node", "node-2", "/podn/1", range(60, 120)),
        ("job", "node-2", "/podj/1", (70, 71)),
    ):
        before = 1e6 if scrapes[0] == 0 else 0
        cluster.cadvisor(
            "container_cpu_usage_seconds_total",
            {"namespace": "api", "pod": pod, "container": "main", "instance": node, "id": group},
            {scrape: before + 30.0 * number for number, scrape in enumerate(scrapes, start=1)},
        )


def _scheduled(exporter: Exporter) -> None:
    """Pods that take more of a node than their containers ask for."""
    cluster = _cluster(exporter, "scheduled")
    for pod, inits in (
        ("sidecar", {"proxy": (0.5, "Always")}),
        ("sidecar-and-init", {"proxy": (0.5, "Always"), "migrate": (1.2, "")}),
    ):
        cluster.pod(pod, uid=pod)
        who = {"namespace": "api", "pod": pod, "uid": pod}
        for container, (cores, policy) in inits.items():
            of = who | {"container": container}
            request = of | {"node": "node-1", "resource": "cpu"}
            cluster.gauge("kube_pod_init_container_resource_requests", request, cores)
            cluster.gauge("kube_pod_init_container_info", of | {"restart_policy": policy}, 1)
    for pod in ("overhead", "exported-twice"):
        cluster.pod(pod, uid=pod)
        overhead = {"namespace": "api", "pod": pod, "uid": pod}
        cluster.gauge("kube_pod_overhead_cpu_cores", overhead, 0.25)
    # Its init container ends before its sidecar starts, as kube-scheduler knows.
    cluster.pod("init-first", uid="init-first")
    who = {"namespace": "api", "pod": "init-first", "uid": "init-first"}
    for container, cores, policy in (("migrate", 1.2, ""), ("proxy", 0.5, "Always")):
        of = who | {"container": container}
        request = of | {"node": "node-1", "resource": "cpu"}
        cluster.gauge("kube_pod_init_container_resource_requests", request, cores)
        cluster.gauge("kube_pod_init_container_info", of | {"restart_policy": policy}, 1)
    cluster.pod("whole", uid="whole", requests={"memory": 0.0})
    for pod, cores in (("whole", 4.0), ("exported-twice", 1.25), ("init-first", 1.5)):
        of = {"namespace": "api", "pod": pod, "node": "node-1", "resource": "cpu"}
        cluster.exporter.add(
            "kube_pod_resource_request",
            of | {"cluster": "scheduled", "job": "kube-scheduler"},
            dict.fromkeys(range(0, 60, 2), cores),
        )


def _honored_and_not(exporter: Exporter) -> None:
    """The same pods, scraped with and without honor_labels."""
    for prefix, instance in (("", "ksm-0"), ("exported_", "ksm-1")):
        cluster = Cluster(exporter, "honored-and-not", prefix=prefix, instance=instance)
        cluster.node("node-1")
        for number in range(3):
            cluster.pod(f"web-{number}")


def _switched(exporter: Exporter) -> None:
    """honor_labels is switched off for kube-state-metrics at 01:00 and on again at 02:50.

    Three pods ask for a core each, and use half of it.
    """
    for prefix, scrapes in (("", [*range(60), *range(170, 240)]), ("exported_", range(60, 170))):
        cluster = Cluster(exporter, "switched", scrapes, prefix=prefix)
        cluster.node("node-1")
        for number in range(3):
            cluster.pod(f"web-{number}")
    for number in range(3):
        main = {"namespace": "api", "pod": f"web-{number}", "container": "main"}
        cluster.cadvisor(
            "container_cpu_usage_seconds_total",
            main | {"instance": "node-1", "id": f"/{number}"},
            {scrape: 1e6 + scrape * 30.0 for scrape in range(240)},
        )


def _gpus(exporter: Exporter) -> None:
    """Every kind of GPU and of a part of one."""
    cluster = _cluster(exporter, "gpus")
    for resource, there, asked in (
        ("aws_amazon_com_neuron", 4, 2),
        ("amd_com_gpu", 8, 3),
        ("nvidia_com_mig_1g_5gb", 7, 7),
        ("nvidia_com_mig_1c_3g_20gb", 3, 1),
        ("nvidia_com_gpu_shared", 4, 1),
    ):
        node = {"node": "node-1", "resource": resource}
        cluster.gauge("kube_node_status_capacity", node, there)
        cluster.pod(resource, requests={resource: asked})


def _neurons(exporter: Exporter) -> None:
    """A node with 2 Neuron devices of 2 cores, under every name, and one that exports its cores."""
    cluster = _cluster(exporter, "neurons")
    cluster.node("node-2")
    for node, resource, there in (
        ("node-1", "aws_amazon_com_neuron", 2),
        ("node-1", "aws_amazon_com_neurondevice", 2),
        ("node-1", "aws_amazon_com_neuroncore", 4),
        ("node-2", "aws_amazon_com_neuroncore", 8),
    ):
        labels = {"node": node, "resource": resource}
        cluster.gauge("kube_node_status_capacity", labels, there)
    for pod, node, resource, asked in (
        ("devices", "node-1", "aws_amazon_com_neuron", 1.0),
        ("cores", "node-1", "aws_amazon_com_neuroncore", 1.0),
        ("only-cores", "node-2", "aws_amazon_com_neuroncore", 3.0),
    ):
        cluster.pod(pod, uid=pod, node=node, requests={resource: asked})


def _resized(exporter: Exporter) -> None:
    """Pods that are resized in place at half past, one of them beside an init container."""
    cluster = _cluster(exporter, "resized")
    for pod, before, after in (("alone", 1.0, 2.0), ("beside-init", 1.0, 3.0)):
        cluster.pod(pod, uid=pod, requests={"memory": 0.0})
        who = {"namespace": "api", "pod": pod, "uid": pod, "node": "node-1", "resource": "cpu"}
        exporter.add(
            "kube_pod_container_resource_requests",
            {"cluster": "resized", "container": "main", "instance": "ksm-0"} | who,
            {scrape: before if scrape < 30 else after for scrape in HOUR},
        )
    init = {"namespace": "api", "pod": "beside-init", "uid": "beside-init", "container": "migrate"}
    request = init | {"node": "node-1", "resource": "cpu"}
    cluster.gauge("kube_pod_init_container_resource_requests", request, 2.0)


def _namesakes(exporter: Exporter) -> None:
    """Three names, each borne by two pods in turn."""
    cluster = _cluster(exporter, "namesakes")
    for name in ("web-0", "web-1", "web-2"):
        for uid, when in (("1", range(30)), ("2", HOUR[30:])):
            cluster.pod(name, uid=f"{name}-{uid}", scrapes=when)
        cluster.cadvisor(
            "container_memory_working_set_bytes",
            {"namespace": "api", "pod": name, "container": "main"},
            dict.fromkeys(HOUR, float(GIB)),
        )


def _two_rhythms(exporter: Exporter) -> None:
    """kube-state-metrics is scraped every 30 s, the kubelet every 60 s."""
    cluster = Cluster(exporter, "two-rhythms", [number / 2 for number in range(120)])
    cluster.node("node-1")
    cluster.pod("steady")
    main = {"namespace": "api", "pod": "steady", "container": "main", "instance": "node-1"}
    cpu = {scrape: 1e6 + scrape * 30.0 for scrape in HOUR}
    cluster.cadvisor("container_cpu_usage_seconds_total", main, cpu)
    memory = dict.fromkeys(HOUR, float(GIB))
    cluster.cadvisor("container_memory_working_set_bytes", main, memory)


def _one_kubelet_away(exporter: Exporter) -> None:
    """Of three nodes one has a kubelet that was away, and one was gone, for half an hour each."""
    cluster = _cluster(exporter, "one-kubelet-away")
    cluster.node("node-2")
    gone = Cluster(exporter, "one-kubelet-away", range(30))
    gone.node("node-3")
    for node, there, seen in (
        ("node-1", HOUR, HOUR),
        ("node-2", HOUR, HOUR[:30]),
        ("node-3", HOUR[:30], HOUR[:30]),
    ):
        cluster.pod(f"on-{node}", node=node, scrapes=there)
        main = {"namespace": "api", "pod": f"on-{node}", "container": "main", "instance": node}
        cpu = {scrape: 1e6 + scrape * 30.0 for scrape in seen}
        cluster.cadvisor("container_cpu_usage_seconds_total", main, cpu)


def _around_the_edge(exporter: Exporter) -> None:
    """120 scrapes, by turns 0.4 s before and after the minute and the half minute.

    Of those of `one-is-late` one is 10 s late.
    """
    second = 1 / 60
    scrapes = [number / 2 + (0.4, -0.4)[number % 2] * second for number in range(120)]
    late = [scrape + (10 * second if number == 77 else 0) for number, scrape in enumerate(scrapes)]
    for name, when in (("around-the-edge", scrapes), ("one-is-late", late)):
        cluster = Cluster(exporter, name, when)
        cluster.node("node-1")
        cluster.pod("steady")


def _shards(exporter: Exporter) -> None:
    """Two shards of kube-state-metrics; the one with four pods is away for 20 minutes."""
    first = _cluster(exporter, "shards")
    first.pod("steady")
    second = Cluster(exporter, "shards", [*range(10), *range(30, 60)], instance="ksm-1")
    second.node("node-2", cpu=8)
    for number in range(4):
        second.pod(f"web-{number}", node="node-2", requests={"cpu": 1.0})
    second.gauge("kube_persistentvolume_capacity_bytes", {"persistentvolume": "pvc-1"}, 8 * GIB)
    # It died before its shard was away: no gap.
    second.pod("half", node="node-2", scrapes=range(5))


def _shards_in_turn(exporter: Exporter) -> None:
    """Both shards of kube-state-metrics are away for 20 minutes, one after the other."""
    for number, away in enumerate((range(20), range(20, 40))):
        scrapes = [scrape for scrape in HOUR if scrape not in away]
        shard = Cluster(exporter, "shards-in-turn", scrapes, instance=f"ksm-{number}")
        shard.node(f"node-{number}", cpu=8)
        shard.pod(f"web-{number}", node=f"node-{number}", requests={"cpu": 4.0})


def _shard_away(exporter: Exporter) -> None:
    """In the second hour one of two shards is away from end to end."""
    for number, scrapes in enumerate((range(120), range(60))):
        shard = Cluster(exporter, "shard-away", scrapes, instance=f"ksm-{number}")
        shard.node(f"node-{number}")
        shard.pod(f"web-{number}", node=f"node-{number}")
    # kube-state-metrics does not watch the namespace `hidden`.
    for namespace, pod in (("api", "web-0"), ("api", "web-1"), ("hidden", "web-2")):
        main = {"namespace": namespace, "pod": pod, "container": "main", "instance": "node-0"}
        cpu = {scrape: 1e6 + scrape * 30.0 for scrape in range(120)}
        shard.cadvisor("container_cpu_usage_seconds_total", main, cpu)


def _shards_restarted(exporter: Exporter) -> None:
    """kube-state-metrics starts again under another address: one shard all the same."""
    for instance, scrapes in (("10.0.0.1:8080", range(40)), ("10.0.0.2:8080", range(45, 60))):
        cluster = Cluster(exporter, "restarted", scrapes, instance=instance)
        cluster.node("node-1")
        cluster.pod("steady")
        cluster.pod("ended", scrapes=range(11))


def _faster(exporter: Exporter) -> None:
    """Scraped every 60 s, from 01:00 on every 15 s; the third hour changes at half past.

    Of `faster-and-missed` a scrape of the first hour is missing, and one of the third.
    """
    scrapes = [*range(60), *(60 + number / 4 for number in range(240))]
    scrapes += [*range(120, 150), *(150 + number / 4 for number in range(120))]
    missed = Cluster(
        exporter, "faster-and-missed", [one for one in scrapes if one not in (30, 133)]
    )
    missed.node("node-1")
    missed.pod("steady")
    cluster = Cluster(exporter, "faster", scrapes)
    cluster.node("node-1")
    cluster.pod("steady")
    main = {"namespace": "api", "pod": "steady", "container": "main", "instance": "node-1"}
    cpu = {scrape: 1e6 + scrape * 30.0 for scrape in scrapes}
    cluster.cadvisor("container_cpu_usage_seconds_total", main, cpu)


def _no_cadvisor(exporter: Exporter) -> None:
    """Of 4 cores api uses 2 and etl 1; in the second of three hours no kubelet is scraped."""
    cluster = Cluster(exporter, "no-cadvisor", range(180))
    cluster.node("node-1", cpu=4)
    for namespace, rate in (("api", 120.0), ("etl", 60.0)):
        cluster.pod("web-0", namespace=namespace, uid=namespace)
        cluster.cadvisor(
            "container_cpu_usage_seconds_total",
            {"namespace": namespace, "pod": "web-0", "container": "main", "instance": "node-1"},
            {scrape: 1e6 + scrape * rate for scrape in (*range(60), *range(120, 180))},
        )


def _kubelets_away(exporter: Exporter) -> None:
    """All kubelets are scraped in the last three minutes of the hour only."""
    cluster = _cluster(exporter, "kubelets-away")
    cluster.pod("web-0")
    main = {"namespace": "api", "pod": "web-0", "container": "main", "instance": "node-1"}
    cpu = {scrape: 1e6 + scrape * 30.0 for scrape in HOUR[57:]}
    cluster.cadvisor("container_cpu_usage_seconds_total", main, cpu)


def _windows(exporter: Exporter) -> None:
    """A pod on Linux, and one on Windows whose use nobody exports."""
    cluster = Cluster(exporter, "windows")
    cluster.node("node-1", cpu=2)
    cluster.node("node-2", cpu=2)
    cluster.pod("web-0", namespace="linux")
    cluster.cadvisor(
        "container_cpu_usage_seconds_total",
        {"namespace": "linux", "pod": "web-0", "container": "main", "instance": "node-1"},
        {scrape: 1e6 + scrape * 30.0 for scrape in HOUR},
    )
    cluster.pod("iis-0", namespace="windows", uid="2", node="node-2", requests={"cpu": 2.0})


def _kubeflow(exporter: Exporter) -> None:
    """What Kubeflow runs, with its labels as kube-state-metrics makes them, and a shop."""
    cluster = Cluster(exporter, "kubeflow")
    cluster.node("node-1", cpu=8)
    for namespace, pod, labels in (
        ("alice", "explore-0", {"notebook_name": "explore"}),
        ("serving", "eta-0", {"serving_kserve_io_inferenceservice": "eta"}),
        (
            "flows",
            "run-0",
            {"pipeline_runid": "run-7", "workflows_argoproj_io_workflow": "nightly-x"},
        ),
        ("flows", "run-1", {"workflows_argoproj_io_workflow": "nightly-y"}),
        (
            "tuning",
            "tune-0",
            {"katib_kubeflow_org_experiment": "tune", "katib_kubeflow_org_trial": "tune-1"},
        ),
        ("shop", "cart-0", {"app_kubernetes_io_name": "cart"}),
    ):
        cluster.pod(pod, namespace=namespace, uid=pod)
        who = {"namespace": namespace, "pod": pod, "uid": pod}
        exported = {f"label_{key}": value for key, value in labels.items()}
        cluster.gauge("kube_pod_labels", who | exported, 1)
    cluster.gauge("kube_namespace_labels", {"namespace": "shop", "label_cost_center": "retail"}, 1)
    cluster.gauge("kube_namespace_labels", {"namespace": "flows"}, 1)


def _passed_on(exporter: Exporter) -> None:
    """A name passes from an m5.xlarge to an m5.4xlarge at minute 20; half of each is used."""
    for instance_id, pod, cores, instance_type, scrapes, used in (
        ("i-0aaa", "before", 4.0, "m5.xlarge", range(-60, 20), 1e6),
        ("i-0bbb", "after", 16.0, "m5.4xlarge", HOUR[20:], 0.0),
    ):
        cluster = Cluster(exporter, "passed-on", scrapes)
        cluster.node("node-1", cpu=cores, instance_type=instance_type)
        provider_id = f"aws:///us-east-1a/{instance_id}"
        cluster.gauge("kube_node_info", {"node": "node-1", "provider_id": provider_id}, 1)
        cluster.pod(pod, namespace=pod, uid=pod, requests={"cpu": cores})
        main = {"namespace": pod, "pod": pod, "container": "main", "instance": "10.0.0.1:10250"}
        cpu = {scrape: used + number * cores * 30 for number, scrape in enumerate(scrapes, start=1)}
        cluster.cadvisor("container_cpu_usage_seconds_total", main, cpu)


def _host_network(exporter: Exporter) -> None:
    """A pod with 10 GiB of its own, and two that show the 100 GiB of their node."""
    cluster = _cluster(exporter, "host-network")
    for pod, gib in (("web", 10), ("proxy", 100), ("exporter", 100)):
        cluster.pod(pod, namespace=pod, uid=pod, host_network=gib == 100)
        _traffic(cluster, pod, "node-1", gib)


def _traffic(cluster: Cluster, pod: str, node: str, gib: int) -> None:
    """A pod of a namespace of its name receives so much in the first hour, and sends nothing."""
    for direction, of_minute in (("receive", gib * GIB / 60), ("transmit", 0)):
        cluster.cadvisor(
            f"container_network_{direction}_bytes_total",
            {"namespace": pod, "pod": pod, "interface": "eth0", "instance": node},
            {scrape: scrape * of_minute for scrape in HOUR},
        )


def _stale(exporter: Exporter) -> None:
    """A job ends at minute 10, and a replica goes on saying that it is Running."""
    for instance, ended in (("ksm-0", HOUR[10:]), ("ksm-1", ())):
        cluster = Cluster(exporter, "stale", instance=instance)
        cluster.node("node-1")
        cluster.pod("job", running=[scrape for scrape in HOUR if scrape not in ended])
        of = {"cluster": "stale", "job": "kube-state-metrics", "instance": instance}
        who = {"namespace": "api", "pod": "job", "uid": "1", "phase": "Succeeded"}
        values = {scrape: float(scrape in ended) for scrape in HOUR}
        exporter.add("kube_pod_status_phase", of | who, values)


def _mixed(exporter: Exporter) -> None:
    """One namespace with a pod on Linux, and one on Windows whose use nobody exports."""
    cluster = Cluster(exporter, "mixed")
    cluster.node("node-1", cpu=2)
    cluster.node("node-2", cpu=2)
    cluster.pod("web-0")
    cluster.cadvisor(
        "container_cpu_usage_seconds_total",
        {"namespace": "api", "pod": "web-0", "container": "main", "instance": "node-1"},
        {scrape: 1e6 + scrape * 30.0 for scrape in HOUR},
    )
    cluster.pod("iis-0", uid="2", node="node-2", requests={"cpu": 2.0})


def _pods_away(exporter: Exporter) -> None:
    """A pod asks for 2 of 4 cores; in the second of three hours only nodes are exported."""
    Cluster(exporter, "pods-away", range(180)).node("node-1", cpu=4)
    scrapes = [*range(60), *range(120, 180)]
    Cluster(exporter, "pods-away", scrapes).pod("web-0", requests={"cpu": 2.0})


def _gpu_unmeasured(exporter: Exporter) -> None:
    """A pod asks for one of two GPUs, and no dcgm-exporter says what it uses."""
    cluster = _cluster(exporter, "gpu-unmeasured")
    cluster.gauge("kube_node_status_capacity", {"node": "node-1", "resource": "nvidia_com_gpu"}, 2)
    cluster.pod("train", requests={"cpu": 1.0, "nvidia_com_gpu": 1.0})
    cluster.pod("web", uid="2")


def _traffic_away(exporter: Exporter) -> None:
    """Of two nodes, one has a kubelet that is away all hour."""
    cluster = _cluster(exporter, "traffic-away")
    cluster.node("node-2")
    for pod, node in (("web", "node-1"), ("etl", "node-2")):
        cluster.pod(pod, namespace=pod, uid=pod, node=node)
    _traffic(cluster, "web", "node-1", 10)


def _deleted(exporter: Exporter) -> None:
    """A replica learns nothing more from minute 8 on: `gone` is deleted, and `late` begins."""
    gone, newer, late = ("gone", -600), ("newer", 300), ("late", 1800)
    for instance, there in (
        ("ksm-0", {gone: range(10), newer: range(5, 120), late: range(30, 120)}),
        ("ksm-1", {gone: range(120), newer: range(5, 120)}),
    ):
        cluster = Cluster(exporter, "deleted", range(120), instance=instance)
        cluster.node("node-1")
        for (pod, seconds), scrapes in there.items():
            cluster.pod(pod, uid=pod, scrapes=scrapes)
            of = {"cluster": "deleted", "job": "kube-state-metrics", "instance": instance}
            who = {"namespace": "api", "pod": pod, "uid": pod}
            started = dict.fromkeys(scrapes, float(START + seconds))
            exporter.add("kube_pod_start_time", of | who, started)


def _usage(platform: str, sub_platform: str, label: str) -> dict[str, str]:
    return {"platform": platform, "sub_platform": sub_platform, "lyft_label": label}
