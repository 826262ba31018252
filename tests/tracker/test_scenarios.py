"""What is out of the ordinary in a cluster, on a real server."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from infraspend.loaders import kubernetes
from infraspend.loaders.errors import InfraspendError
from tests.loaders.queries import rows as landed_rows
from tests.tracker.reading import FIRST, collect, coverage, requested, rows, source
from tests.tracker.scenarios import HOSTILE


def test_a_gap_is_bridged_by_the_cluster_s_own_scrapes_and_reported(
    server: str, tmp_path: Path
) -> None:
    tracked = collect(source(server, "gap"), tmp_path)

    assert coverage(tmp_path) == [(50, 60)]
    # One ran in all 50 scrapes, the other in 20 of them: it has died, which is no gap.
    assert requested(tmp_path) == {"steady": Decimal(1), "half": Decimal("0.4")}
    assert rows(tmp_path, "node_hours", "cpu_capacity_core_hours::int") == [(16,)]
    assert (tracked.hours, tracked.incomplete) == (1, 1)


def test_an_hour_with_few_samples_never_passes_for_a_whole_one(server: str, tmp_path: Path) -> None:
    tracked = collect(source(server, "sparse"), tmp_path, hours=4)

    # 8 % of the second hour, nothing of the third: it is in no collection.
    assert coverage(tmp_path) == [(60, 60), (5, 60), (60, 60)]
    hours = [directory.name for directory in tracked.collections]
    assert hours == ["20261101T00_20261101T02", "20261101T03_20261101T04"]
    assert (tracked.hours, tracked.incomplete, tracked.unscraped) == (3, 1, 1)


def test_replicas_are_one(server: str, tmp_path: Path) -> None:
    collect(source(server, "replicas"), tmp_path)

    # Each has a gap where the other has none.
    assert coverage(tmp_path) == [(60, 60)]
    assert requested(tmp_path) == {"steady": Decimal(1)}
    assert rows(tmp_path, "node_hours", "cpu_capacity_core_hours::int") == [(16,)]


def test_honor_labels_may_be_off(server: str, tmp_path: Path) -> None:
    collect(source(server, "exported"), tmp_path)

    assert rows(
        tmp_path,
        "container_hours",
        "namespace, pod, container, cpu_request_core_hours::int, memory_request_gib_hours::int",
    ) == [("api", "web-0", "main", 1, 0), ("maps", "web-0", "main", 2, 3)]


def test_the_first_generation_of_names_is_understood(server: str, tmp_path: Path) -> None:
    collect(source(server, "first-generation"), tmp_path)

    assert rows(
        tmp_path,
        "container_hours",
        "pod, uid, node, instance_type, container, cpu_request_core_hours::int,"
        " memory_request_gib_hours::int, memory_usage_gib_hours::int",
    ) == [("web-0", "", "node-1", "m4.large", "main", 2, 3, 1)]
    assert rows(
        tmp_path, "node_hours", "cpu_capacity_core_hours::int, memory_capacity_gib_hours::int"
    ) == [(16, 64)]


def test_a_pod_takes_as_much_as_its_largest_init_container(server: str, tmp_path: Path) -> None:
    collect(source(server, "init"), tmp_path)

    assert rows(
        tmp_path,
        "container_hours",
        "container, cpu_request_core_hours::int, memory_request_gib_hours::int",
    ) == [("main", 1, 4), ("migrate", 2, 0)]


@pytest.mark.thorough
def test_a_scrape_that_cannot_be_is_not_believed(server: str, tmp_path: Path) -> None:
    tracked = collect(source(server, "bad"), tmp_path / "collected")

    assert coverage(tmp_path / "collected") == [(56, 60)]
    amounts = rows(tmp_path / "collected", "container_hours", "container, cpu_request_core_hours")
    assert amounts == [(container, Decimal(1)) for container in ("a", "b", "c", "d", "main")]
    assert tracked.rejects == 4

    warehouse = tmp_path / "warehouse.duckdb"
    assert kubernetes.load(warehouse, str(tmp_path / "collected")).rejected == 0
    reasons = landed_rows(
        warehouse,
        "select usage_hour, cluster,"
        " regexp_extract(reason, 'container=.(.).* is (\\S+),', ['c', 'v']) as found,"
        " regexp_extract(reason, 'the \\d+ of \\d+ scrapes')"
        " from raw_kubernetes.rejects order by found",
    )
    seen = {"a": "nan", "b": "inf", "c": "-1", "d": "1e+308"}
    assert reasons == [
        (FIRST, "bad", {"c": container, "v": value}, "the 4 of 60 scrapes")
        for container, value in seen.items()
    ]


def test_usage_that_cannot_be_is_unknown(server: str, tmp_path: Path) -> None:
    collect(source(server, "bad-usage"), tmp_path)

    assert rows(tmp_path, "container_hours", "pod, memory_usage_gib_hours::int") == [
        ("bad", None),
        ("good", 1),
    ]
    assert coverage(tmp_path) == [(60, 60)]
    ((reason,),) = rows(tmp_path, "rejects", "reason")
    assert reason.startswith("memory_usage_gib_hours of api/bad/main is nan")


def test_a_name_may_pass_on_to_another_pod_on_another_node(server: str, tmp_path: Path) -> None:
    collect(source(server, "moved"), tmp_path)

    found = rows(
        tmp_path,
        "container_hours",
        "uid, node, instance_type, running_hours, cpu_request_core_hours, cpu_usage_core_hours",
    )
    assert [row[:5] for row in found] == [
        ("1", "node-1", "m5.4xlarge", Decimal("0.5"), Decimal("0.5")),
        ("2", "node-2", "c5.4xlarge", Decimal("0.5"), Decimal("0.5")),
    ]
    # Half a core and a quarter: 29 rises of a counter each, in the 58 slots with one.
    assert [round(row[5], 5) for row in found] == [Decimal("0.25"), Decimal("0.125")]


def test_an_upgrade_of_kube_state_metrics_counts_once(server: str, tmp_path: Path) -> None:
    collect(source(server, "upgrade"), tmp_path)

    found = rows(tmp_path, "container_hours", "uid, cpu_request_core_hours, node")
    assert [row[0] for row in found] == ["", "1"]
    assert round(sum(row[1] for row in found), 9) == 1
    assert {row[2] for row in found} == {"node-1"}


@pytest.mark.parametrize(
    ("cluster", "hours", "expected"),
    [("unaligned", 1, [(60, 60)]), ("skewed", 2, [(30, 60), (30, 60)])],
)
def test_a_sample_counts_in_the_hour_of_its_own_time(
    server: str, tmp_path: Path, cluster: str, hours: int, expected: list[tuple[int, int]]
) -> None:
    collect(source(server, cluster), tmp_path, hours=hours)

    assert coverage(tmp_path) == expected
    assert requested(tmp_path) == {"steady": Decimal(hours)}


def test_hours_that_have_not_passed_are_never_collected(server: str, tmp_path: Path) -> None:
    now = datetime(2026, 11, 1, 1, 59)

    collect(source(server, "cluster-0"), tmp_path, hours=4, now=now)

    assert coverage(tmp_path) == [(60, 60)]


@pytest.mark.thorough
def test_hostile_names_are_harmless(server: str, tmp_path: Path) -> None:
    tracked = collect(source(server, HOSTILE), tmp_path / "collected")

    found = rows(
        tmp_path / "collected",
        "container_hours",
        "uid, namespace, pod, container, cluster, running_hours, memory_usage_gib_hours::int",
    )
    assert {row[0] for row in found} == {HOSTILE, "2"}
    assert all(row[1:5] == (HOSTILE,) * 4 for row in found)
    # Two bore the name in the last slot: usage belongs to one of them, and is not doubled.
    assert sum(row[6] or 0 for row in found) == 1
    index = json.loads((tracked.collections[0] / "collection.json").read_text())
    assert index["cluster"] == HOSTILE
    assert kubernetes.load(tmp_path / "w.duckdb", str(tmp_path / "collected")).rejected == 0


def test_a_gpu_s_use_belongs_to_the_pod_and_not_to_the_exporter(
    server: str, tmp_path: Path
) -> None:
    collect(source(server, "gpu"), tmp_path)

    assert rows(
        tmp_path, "container_hours", "pod, gpu_request_gpu_hours::int, gpu_usage_gpu_hours"
    ) == [("train", 2, Decimal("0.5"))]
    assert rows(tmp_path, "node_hours", "gpu_capacity_gpu_hours::int") == [(2,)]


def test_owners_labels_volumes_network_and_disks_are_collected(server: str, tmp_path: Path) -> None:
    collect(source(server, "facts", pod_labels=["app.kubernetes.io/name"]), tmp_path)

    assert rows(tmp_path, "pods", "workload_kind, workload_name, labels") == [
        ("Deployment", "web", '{"app_kubernetes_io_name": "web"}')
    ]
    assert rows(
        tmp_path,
        "volume_hours",
        "volume, volume_id, storage_class, namespace, claim, capacity_gib_hours::int",
    ) == [("pvc-1", "vol-0123abc", "gp3", "api", "data", 8)]
    assert rows(
        tmp_path,
        "node_hours",
        "provider_id, zone, cpu_capacity_core_hours::int, cpu_allocatable_core_hours::int,"
        " memory_allocatable_gib_hours::int",
    ) == [("aws:///us-east-1b/i-0abc", "us-east-1b", 16, 15, 0)]
    ((received, transmitted),) = rows(
        tmp_path, "container_hours", "network_receive_gib, network_transmit_gib"
    )
    assert (round(received, 6), transmitted) == (2, None)
    # Two disks are read at a GiB an hour each, and one is written to at half of that.
    ((read, written),) = rows(tmp_path, "container_hours", "disk_read_gib, disk_write_gib")
    assert (round(read, 6), round(written, 6)) == (2, Decimal("0.5"))


def test_a_lone_cluster_need_not_be_named_by_its_series(lone_server: str, tmp_path: Path) -> None:
    collect(source(lone_server, "ours"), tmp_path)

    assert rows(tmp_path, "container_hours", "cluster, pod, instance_type") == [
        ("ours", "web-0", None)
    ]
    assert rows(tmp_path, "node_hours", "cluster, node, instance_type") == [
        ("ours", "node-1", None)
    ]


@pytest.mark.parametrize(
    ("cluster", "match", "says"),
    [
        ("nowhere", None, r"no series has cluster=\"nowhere\", only .*\"bad\""),
        ("nowhere", {"cluster": "nowhere"}, "kube_node_status_capacity has no samples"),
        ("no-phase", None, "kube_pod_status_phase has no samples"),
    ],
)
def test_a_source_that_has_nothing_says_what_to_do(
    server: str, tmp_path: Path, cluster: str, match: dict[str, str] | None, says: str
) -> None:
    with pytest.raises(InfraspendError, match=says):
        collect(source(server, cluster, match=match), tmp_path)
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_cluster_may_have_another_name_than_its_series_say(server: str, tmp_path: Path) -> None:
    collect(source(server, "east", match={"cluster": "gap"}), tmp_path)

    assert rows(tmp_path, "scrape_hours", "cluster, samples") == [("east", 50)]


def test_a_pod_that_began_within_the_hour_rose_from_0(server: str, tmp_path: Path) -> None:
    collect(source(server, "short"), tmp_path, first=FIRST.replace(hour=1))

    used = dict(rows(tmp_path, "container_hours", "pod, cpu_usage_core_hours"))
    # What ran before keeps what it had used by then to itself.
    assert round(used.pop("steady"), 6) == Decimal("0.5")
    assert len(used) == 40
    assert round(sum(used.values()), 6) == 1


def test_nothing_rises_from_0_where_nothing_says_who_began(server: str, tmp_path: Path) -> None:
    collect(source(server, "short"), tmp_path)

    assert [round(used, 6) for (used,) in rows(tmp_path, "container_hours", COLUMN)] == [
        Decimal("0.5")
    ]


def test_a_container_that_began_within_the_hour_rose_from_0(server: str, tmp_path: Path) -> None:
    collect(source(server, "began"), tmp_path, first=FIRST.replace(hour=1))

    used = rows(tmp_path, "container_hours", "pod, uid, round(cpu_usage_core_hours, 6)")
    half, quarter = Decimal("0.5"), Decimal("0.25")
    assert used == [
        ("in-turn", "in-turn-1", quarter),
        ("in-turn", "in-turn-2", quarter),
        ("job", "job", Decimal("0.016667")),
        ("on-new-node", "on-new-node", half),
        ("renewed", "renewed-2", half),
        ("restarted", "r", half),
        ("unseen", "u", half),
    ]


COLUMN = "cpu_usage_core_hours"


def test_a_pod_takes_what_the_scheduler_reserves(server: str, tmp_path: Path) -> None:
    collect(source(server, "scheduled"), tmp_path)

    assert {pod: round(cores, 6) for pod, cores in requested(tmp_path).items()} == {
        "sidecar": Decimal("1.5"),
        "sidecar-and-init": Decimal("1.7"),
        "overhead": Decimal("1.25"),
        "exported-twice": Decimal("1.25"),
        "whole": Decimal(4),
        "init-first": Decimal("1.5"),
    }


def test_pods_that_are_scraped_with_and_without_honor_labels_count_once(
    server: str, tmp_path: Path
) -> None:
    tracked = collect(source(server, "honored-and-not"), tmp_path)

    found = rows(tmp_path, "container_hours", "namespace, pod, cpu_request_core_hours::int")
    assert found == [("api", f"web-{number}", 1) for number in range(3)]
    ((reason,),) = rows(tmp_path, "rejects", "reason")
    assert "have no exported_namespace and exported_pod" in reason
    assert "honor_labels" in reason
    assert tracked.rejects == 1


def test_honor_labels_may_be_switched_in_the_middle_of_a_day(server: str, tmp_path: Path) -> None:
    collect(source(server, "switched"), tmp_path, hours=4)

    found = rows(
        tmp_path,
        "container_hours",
        "usage_hour, namespace, pod, cpu_request_core_hours::int, round(cpu_usage_core_hours, 6)",
    )
    assert [row[1:] for row in found] == [
        ("api", f"web-{number}", 1, Decimal("0.5")) for number in range(3)
    ] * 4
    # The ten scrapes of the third hour that are spelled in another way are a gap.
    assert coverage(tmp_path) == [(60, 60), (60, 60), (50, 60), (60, 60)]
    ((reason,),) = rows(tmp_path, "rejects", "reason")
    assert reason.startswith(
        "the labels of kube_pod_status_phase were spelled in another way in 10"
    )


def test_every_kind_of_gpu_counts(server: str, tmp_path: Path) -> None:
    collect(source(server, "gpus"), tmp_path)

    assert rows(tmp_path, "container_hours", "pod, gpu_request_gpu_hours") == [
        ("amd_com_gpu", 3),
        ("aws_amazon_com_neuron", 2),
        ("nvidia_com_gpu_shared", 1),
        ("nvidia_com_mig_1c_3g_20gb", Decimal("0.1428571429")),
        ("nvidia_com_mig_1g_5gb", 1),
    ]
    assert rows(tmp_path, "node_hours", "gpu_capacity_gpu_hours") == [(Decimal("17.4285714286"),)]


def test_neuron_cores_are_parts_of_their_devices(server: str, tmp_path: Path) -> None:
    collect(source(server, "neurons"), tmp_path)

    assert rows(tmp_path, "node_hours", "node, gpu_capacity_gpu_hours") == [
        ("node-1", 2),
        ("node-2", 8),
    ]
    assert rows(tmp_path, "container_hours", "pod, gpu_request_gpu_hours") == [
        ("cores", Decimal("0.5")),
        ("devices", 1),
        ("only-cores", 3),
    ]


def test_a_pod_that_is_resized_asks_for_what_it_asked_for_at_the_time(
    server: str, tmp_path: Path
) -> None:
    collect(source(server, "resized"), tmp_path)

    # 1 core and then 2; the larger of 2 and 1, and then of 2 and 3.
    assert requested(tmp_path) == {"alone": Decimal("1.5"), "beside-init": Decimal("2.5")}


def test_kubelets_may_be_scraped_less_often_than_kube_state_metrics(
    server: str, tmp_path: Path
) -> None:
    collect(source(server, "two-rhythms"), tmp_path)

    assert coverage(tmp_path) == [(120, 120)]
    ((cpu, memory),) = rows(
        tmp_path, "container_hours", "cpu_usage_core_hours, memory_usage_gib_hours"
    )
    assert (round(cpu, 6), memory) == (Decimal("0.5"), 1)


def test_use_is_divided_by_the_scrapes_of_its_own_kubelet(server: str, tmp_path: Path) -> None:
    collect(source(server, "one-kubelet-away"), tmp_path)

    used = dict(rows(tmp_path, "container_hours", "pod, cpu_usage_core_hours"))
    assert {pod: round(cores, 6) for pod, cores in used.items()} == {
        "on-node-1": Decimal("0.5"),
        "on-node-2": Decimal("0.5"),
        # Its node was there for half an hour, and so was its use.
        "on-node-3": Decimal("0.25"),
    }


@pytest.mark.parametrize("cluster", ["around-the-edge", "one-is-late"])
def test_scrapes_around_the_edge_of_a_slot_are_all_counted(
    server: str, tmp_path: Path, cluster: str
) -> None:
    collect(source(server, cluster), tmp_path)

    assert coverage(tmp_path) == [(120, 120)]
    assert requested(tmp_path) == {"steady": Decimal(1)}


def test_what_a_shard_of_kube_state_metrics_exports_is_divided_by_its_own_scrapes(
    server: str, tmp_path: Path
) -> None:
    collect(source(server, "shards"), tmp_path)

    asked = requested(tmp_path)
    assert sum(cores for pod, cores in asked.items() if pod.startswith("web")) == 4
    # 5 of the 40 scrapes of its shard.
    assert (asked["steady"], asked["half"]) == (1, Decimal("0.125"))
    columns = "node, running_hours::int, cpu_capacity_core_hours::int"
    assert rows(tmp_path, "node_hours", columns) == [("node-1", 1, 16), ("node-2", 1, 8)]
    assert rows(tmp_path, "volume_hours", "capacity_gib_hours::int") == [(8,)]
    # The other shard was there all hour.
    assert coverage(tmp_path) == [(50, 60)]
    ((reason,),) = rows(tmp_path, "rejects", "reason")
    assert reason == "ksm-1, a shard of kube-state-metrics, was scraped in 40 of 60 slots"


def test_shards_that_are_away_in_turn_are_divided_by_their_own_scrapes(
    server: str, tmp_path: Path
) -> None:
    collect(source(server, "shards-in-turn"), tmp_path)

    assert requested(tmp_path) == {"web-0": Decimal(4), "web-1": Decimal(4)}
    columns = "node, running_hours::int, cpu_capacity_core_hours::int"
    assert rows(tmp_path, "node_hours", columns) == [("node-0", 1, 8), ("node-1", 1, 8)]
    assert coverage(tmp_path) == [(40, 60)]


def test_an_hour_without_a_shard_is_as_good_as_the_part_of_its_pods_that_are_known(
    server: str, tmp_path: Path
) -> None:
    collect(source(server, "shard-away"), tmp_path, hours=2)

    assert coverage(tmp_path) == [(60, 60), (30, 60)]
    ((reason,),) = rows(tmp_path, "rejects", "reason")
    assert reason.startswith("1 pods that kubelets report have no kube_pod_status_phase")
    assert "(api/web-1)" in reason


def test_kubelets_that_were_all_away_most_of_the_hour_measure_nothing(
    server: str, tmp_path: Path
) -> None:
    collect(source(server, "kubelets-away"), tmp_path)

    assert rows(tmp_path, "container_hours", COLUMN) == [(None,)]
    assert coverage(tmp_path) == [(60, 60)]
    assert rows(tmp_path, "rejects", "reason") == [
        (
            "node-1 was scraped too seldom, so that the use of its pods is not known:"
            " cpu_usage_core_hours (2 of 60 scrapes)",
        )
    ]


def test_a_kube_state_metrics_that_starts_again_elsewhere_is_no_other_shard(
    server: str, tmp_path: Path
) -> None:
    collect(source(server, "restarted"), tmp_path)

    assert requested(tmp_path) == {"steady": Decimal(1), "ended": Decimal("0.2")}
    assert coverage(tmp_path) == [(55, 60)]


def test_an_hour_from_before_scrapes_came_more_often_is_whole(server: str, tmp_path: Path) -> None:
    collect(source(server, "faster"), tmp_path, hours=3)

    assert coverage(tmp_path) == [(60, 60), (240, 240), (60, 60)]
    assert requested(tmp_path) == {"steady": Decimal(3)}
    used = rows(tmp_path, "container_hours", "usage_hour, cpu_usage_core_hours")
    assert [round(cores, 6) for _, cores in used[:2]] == [Decimal("0.5")] * 2


def test_a_scrape_that_is_missing_does_not_hide_how_often_the_hour_was_scraped(
    server: str, tmp_path: Path
) -> None:
    collect(source(server, "faster-and-missed"), tmp_path, hours=3)

    assert coverage(tmp_path) == [(59, 60), (240, 240), (59, 60)]
    assert requested(tmp_path) == {"steady": Decimal(3)}


def test_labels_of_namespaces_are_collected(server: str, tmp_path: Path) -> None:
    collect(source(server, "kubeflow"), tmp_path)

    assert rows(tmp_path, "namespaces", "cluster, namespace, labels") == [
        ("kubeflow", "shop", '{"cost_center": "retail"}')
    ]


def test_a_node_is_its_name_and_what_the_cloud_calls_it(server: str, tmp_path: Path) -> None:
    collect(source(server, "passed-on"), tmp_path)

    columns = "node, provider_id[19:], instance_type, round(running_hours, 6)"
    assert rows(tmp_path, "node_hours", f"{columns}, round(cpu_capacity_core_hours, 6)") == [
        ("node-1", "i-0aaa", "m5.xlarge", Decimal("0.333333"), Decimal("1.333333")),
        ("node-1", "i-0bbb", "m5.4xlarge", Decimal("0.666667"), Decimal("10.666667")),
    ]
    # Half of 4 cores for 20 minutes, and half of 16 for 40.
    found = rows(
        tmp_path,
        "container_hours",
        f"{columns}, pod, round(cpu_request_core_hours, 6), round(cpu_usage_core_hours, 6)",
    )
    assert [row[1:3] + row[4:] for row in found] == [
        ("i-0aaa", "m5.xlarge", "before", Decimal("1.333333"), Decimal("0.666667")),
        ("i-0bbb", "m5.4xlarge", "after", Decimal("10.666667"), Decimal("5.333333")),
    ]


def test_the_traffic_of_a_node_is_not_a_pod_s(server: str, tmp_path: Path) -> None:
    collect(source(server, "host-network"), tmp_path)

    assert rows(tmp_path, "container_hours", "pod, round(network_receive_gib, 4)") == [
        ("exporter", None),
        ("proxy", None),
        ("web", 10),
    ]


def test_what_has_ended_is_not_running_whatever_a_stale_replica_says(
    server: str, tmp_path: Path
) -> None:
    collect(source(server, "stale"), tmp_path)

    assert {pod: round(cores, 6) for pod, cores in requested(tmp_path).items()} == {
        "job": Decimal("0.166667")
    }
    assert rows(tmp_path, "container_hours", "round(running_hours, 6)") == [(Decimal("0.166667"),)]


def test_what_was_deleted_is_not_running_whatever_a_stale_replica_says(
    server: str, tmp_path: Path
) -> None:
    collect(source(server, "deleted"), tmp_path, hours=2)

    running = rows(tmp_path, "container_hours", "hour(usage_hour), pod, round(running_hours, 4)")
    assert running == [
        (0, "gone", Decimal("0.1667")),
        (0, "late", Decimal("0.5")),
        (0, "newer", Decimal("0.9167")),
        (1, "late", 1),
        (1, "newer", 1),
    ]
