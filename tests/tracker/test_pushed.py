"""Usage that platform owners push becomes the file that they would publish."""

from decimal import Decimal
from pathlib import Path

from infraspend.loaders import platforms
from infraspend.loaders.kubernetes.sources import UsageQuery
from infraspend.loaders.kubernetes.tracker import track
from tests.loaders.queries import rows as landed_rows
from tests.tracker.reading import FIRST, NOW, collect, source


def test_a_pushed_gauge_becomes_usage_that_lands(server: str, tmp_path: Path) -> None:
    tracked = collect(source(server, "pushed"), tmp_path)

    (file,) = tracked.published
    assert file == tmp_path / "platforms" / "queues" / "pushed_20261101T00_20261101T00.csv"
    warehouse = tmp_path / "warehouse.duckdb"
    assert platforms.load(warehouse, str(tmp_path / "platforms")).rejected == 0
    # Ten scrapes of the job are missing, which is no zero; `maps` was gone after 25 of 50.
    assert landed_rows(
        warehouse,
        "select usage_hour, platform, sub_platform, capacity_pool, lyft_label, usage"
        " from raw_platforms.usage order by lyft_label",
    ) == [
        (FIRST, "queues", "kafka-0", None, "api", Decimal(6)),
        (FIRST, "queues", "kafka-0", None, "free", Decimal(2)),
        (FIRST, "queues", "kafka-0", None, "maps", Decimal(2)),
    ]


def test_what_cannot_stand_for_an_hour_is_not_published_and_reported(
    server: str, tmp_path: Path
) -> None:
    messages: list[str] = []
    tracked = track(
        [source(server, "pushed")],
        str(tmp_path),
        since=FIRST,
        until=FIRST.replace(hour=1),
        now=NOW,
        progress=messages.append,
    )

    assert [line.partition(": not published: ")[2] for line in messages if "published" in line] == [
        "../queues/kafka-3: its labels platform and sub_platform are no names",
        "queues/kafka-1: 6 of 60 scrapes are too few to stand for an hour",
        "queues/kafka-2: the usage of 'api' is -1, which is no measurement",
    ]
    assert tracked.rejects == 3
    assert not (tmp_path / "queues").exists()


def test_any_query_can_be_a_platform(server: str, tmp_path: Path) -> None:
    query = UsageQuery(
        platform="machines",
        sub_platform="east",
        query='kube_node_status_capacity{cluster="cluster-0", resource="cpu"}',
        label="node",
        unit="cores",
    )

    tracked = collect(source(server, "cluster-0", usage=[query]), tmp_path, hours=2)

    (file,) = tracked.published
    lines = file.read_text().splitlines()
    assert lines[0] == "usage_hour,platform,sub_platform,capacity_pool,lyft_label,usage,unit"
    assert lines[1] == (
        "2026-11-01T00:00:00,machines,east,,ip-10-0-0-0.ec2.internal,16.0000000000,cores"
    )
    assert len(lines) == 1 + 2 * 3


def test_a_source_without_kubernetes_can_push(lone_server: str, tmp_path: Path) -> None:
    tracked = collect(source(lone_server, "queues", match={"platform": "queues"}), tmp_path)

    assert not tracked.collections
    assert [file.name for file in tracked.published] == ["queues_20261101T00_20261101T00.csv"]
