"""Landing collections: what is refused, and that nothing else is."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from loaders import kubernetes
from loaders.errors import InfraspendError
from tests.loaders.bills import moment
from tests.loaders.collections import POD, collect
from tests.loaders.queries import content, rows

ONE = "2026-11-01 00:00"
TWO = "2026-11-01 01:00"


def load(warehouse: Path, root: Path) -> tuple[int, int, int, int]:
    result = kubernetes.load(warehouse, str(root))
    return result.landed, result.skipped, result.rejected, result.rows


def test_a_collection_lands_as_it_was_measured(warehouse: Path, tmp_path: Path) -> None:
    pod = POD | {"usage_hour": ONE, "namespace": " Cafe\u0301 ", "cpu_usage_core_hours": None}
    labels = {"usage_hour": ONE, "namespace": "api", "pod": "api-1", "labels": '{"app":"api"}'}
    scrapes = {"usage_hour": ONE, "samples": 11, "expected_samples": 12}
    collect(
        tmp_path / "deep" / "down",
        rows={"container_hours": [pod], "pods": [labels], "scrape_hours": [scrapes]},
    )

    assert load(warehouse, tmp_path) == (1, 0, 0, 3)
    assert rows(
        warehouse,
        "select usage_hour, cluster, namespace, instance_type, cpu_request_core_hours,"
        " cpu_usage_core_hours from raw_kubernetes.container_hours",
    ) == [(moment(ONE), "blue", "caf\u00e9", "m5.xlarge", Decimal("0.1"), None)]
    assert rows(warehouse, "select labels from raw_kubernetes.pods") == [('{"app":"api"}',)]
    assert rows(
        warehouse,
        "select cluster, first_hour, last_hour, collected_at, files, rows"
        " from raw_kubernetes.collections",
    ) == [("blue", moment(ONE), moment(TWO), moment("2026-11-01 02:05"), 6, 3)]


def test_a_second_run_does_nothing_and_a_second_collection_lands_beside_the_first(
    warehouse: Path, tmp_path: Path
) -> None:
    collect(tmp_path)
    load(warehouse, tmp_path)
    before = content(warehouse, "raw_kubernetes")

    assert load(warehouse, tmp_path) == (0, 1, 0, 0)
    assert content(warehouse, "raw_kubernetes") == before

    collect(tmp_path, collected_at="2026-11-02T00:00:00Z")
    assert load(warehouse, tmp_path) == (1, 0, 0, 1)


def test_labels_land_in_one_spelling(warehouse: Path, tmp_path: Path) -> None:
    labels = {
        "serving.kserve.io/inferenceservice": "eta",
        "notebook-name": "explore",
        "costCenter": "42",
        "app.name": "first",
        "app/name": "second",
    }
    row = {"usage_hour": ONE, "namespace": "api"}
    collect(
        tmp_path,
        rows={
            "pods": [row | {"pod": "api-1", "labels": json.dumps(labels)}],
            "namespaces": [row | {"labels": '{"cost-center": "1"}'}],
        },
    )

    load(warehouse, tmp_path)

    assert rows(warehouse, "select labels from raw_kubernetes.pods") == [
        (
            '{"app_name": "first", "cost_center": "42", "notebook_name": "explore",'
            ' "serving_kserve_io_inferenceservice": "eta"}',
        )
    ]
    assert rows(warehouse, "select namespace, labels from raw_kubernetes.namespaces") == [
        ("api", '{"cost_center": "1"}')
    ]


BAD_VALUES: dict[str, dict[str, object]] = {
    "cpu_request_core_hours is nan": {"cpu_request_core_hours": float("nan")},
    "cpu_request_core_hours is inf": {"cpu_request_core_hours": float("inf")},
    "running_hours is negative: -0.5": {"running_hours": -0.5},
    "cluster is not the one that was collected": {"cluster": "another"},
    "usage_hour is no whole hour": {"usage_hour": "2026-11-01 01:00:01"},
    "namespace is without a name": {"namespace": " "},
    "pod is without a name": {"pod": ""},
}


@pytest.mark.thorough
def test_a_bad_value_refuses_its_hour_in_every_table(warehouse: Path, tmp_path: Path) -> None:
    for number, bad in enumerate(BAD_VALUES.values()):
        good = POD | {"usage_hour": ONE}
        beside = POD | {"usage_hour": TWO, "uid": "2"}
        collect(
            tmp_path,
            cluster=f"cluster-{number}",
            rows={
                "container_hours": [good, beside, POD | {"usage_hour": TWO} | bad],
                "scrape_hours": [{"usage_hour": hour, "samples": 12} for hour in (ONE, TWO)],
            },
        )

    assert load(warehouse, tmp_path) == (7, 0, 7, 14)
    for table in ("container_hours", "scrape_hours"):
        assert rows(
            warehouse, f"select usage_hour, count(*) from raw_kubernetes.{table} group by all"
        ) == [(moment(ONE), 7)]
    assert rows(
        warehouse,
        "select parse_filename(file), row_number, reason, cluster, usage_hour"
        " from raw_kubernetes.rejects order by cluster",
    ) == [
        ("container_hours.parquet", 3, reason, f"cluster-{number}", moment(TWO))
        for number, reason in enumerate(BAD_VALUES)
    ]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("table", "named", "nameless"),
    [
        ("pods", {"namespace": "api", "pod": "api-1"}, {"namespace": "api"}),
        ("pods", {"namespace": "api", "pod": "api-1"}, {"pod": "api-1"}),
        ("namespaces", {"namespace": "api"}, {"namespace": ""}),
        ("node_hours", {"node": "node-1"}, {"node": ""}),
        ("volume_hours", {"volume": "pvc-1"}, {}),
    ],
)
def test_a_row_without_a_name_refuses_its_hour(
    warehouse: Path,
    tmp_path: Path,
    table: str,
    named: dict[str, object],
    nameless: dict[str, object],
) -> None:
    good, bad = named | {"usage_hour": ONE}, nameless | {"usage_hour": TWO}
    collect(tmp_path, rows={table: [good, bad]})

    assert load(warehouse, tmp_path) == (1, 0, 1, 1)
    ((reason,),) = rows(warehouse, "select reason from raw_kubernetes.rejects")
    assert reason.endswith("is without a name")


@pytest.mark.thorough
def test_an_hour_that_was_not_collected_is_refused(warehouse: Path, tmp_path: Path) -> None:
    outside = POD | {"usage_hour": "2026-11-01 02:00"}
    collect(tmp_path, rows={"container_hours": [POD | {"usage_hour": ONE}, outside]})

    assert load(warehouse, tmp_path) == (1, 0, 1, 1)


def flip_a_bit(directory: Path) -> None:
    file = directory / "container_hours.parquet"
    content = bytearray(file.read_bytes())
    content[40] ^= 1
    file.write_bytes(content)


def lose_a_file(directory: Path) -> None:
    (directory / "pods.parquet").unlink()


def miscount(directory: Path) -> None:
    index = directory / "collection.json"
    described = json.loads(index.read_text())
    described["files"][0]["rows"] += 1
    index.write_text(json.dumps(described))


def point_elsewhere(directory: Path) -> None:
    index = directory / "collection.json"
    described = json.loads(index.read_text())
    described["files"][0]["name"] = "../../../secret.parquet"
    index.write_text(json.dumps(described))


def use_another_format(directory: Path) -> None:
    index = directory / "collection.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"format": 2}))


def cut_the_index(directory: Path) -> None:
    index = directory / "collection.json"
    index.write_text(index.read_text()[:-5])


def start_the_clock(directory: Path) -> None:
    index = directory / "collection.json"
    described = json.loads(index.read_text()) | {"first_hour": "1970-01-01T00:00:00Z"}
    index.write_text(json.dumps(described))


FAULTS: list[tuple[Callable[[Path], None], str]] = [
    (flip_a_bit, "container_hours.parquet is not the file that was collected"),
    (lose_a_file, "pods.parquet is not there"),
    (miscount, "container_hours.parquet has 1 rows and its index says 2"),
    (point_elsewhere, "secret.parquet is not there"),
    (use_another_format, "has format 2"),
    (cut_the_index, "is no collection"),
    (start_the_clock, "covers hours before 2006"),
]


@pytest.mark.thorough
def test_bad_collections_are_named_and_stop_only_themselves(
    warehouse: Path, tmp_path: Path
) -> None:
    collect(tmp_path, cluster="good")
    for spoil, _ in FAULTS:
        spoil(collect(tmp_path, cluster=spoil.__name__))

    with pytest.raises(InfraspendError) as raised:
        load(warehouse, tmp_path)

    reasons = [reason for (reason,) in rows(warehouse, "select reason from raw_kubernetes.rejects")]
    for _, said in FAULTS:
        assert said in str(raised.value)
        assert any(said in reason for reason in reasons)
    assert rows(warehouse, "select cluster from raw_kubernetes.collections") == [("good",)]
    assert rows(warehouse, "select cluster from raw_kubernetes.container_hours") == [("good",)]


def test_a_directory_without_an_index_is_no_collection(warehouse: Path, tmp_path: Path) -> None:
    (collect(tmp_path) / "collection.json").unlink()

    with pytest.raises(InfraspendError, match=r"holds no collection"):
        load(warehouse, tmp_path)
