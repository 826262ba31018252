"""Where a run goes on, and what it leaves behind."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from loaders import kubernetes
from loaders.errors import InfraspendError
from loaders.kubernetes.exporting import CollectionWriter
from loaders.kubernetes.history import hours_to_collect, last_hour
from loaders.kubernetes.tracker import track
from tests.loaders.queries import rows as landed_rows
from tests.tracker.reading import FIRST, collect, coverage, source


def hour(number: int) -> datetime:
    return FIRST + timedelta(hours=number)


def write(root: Path, first: int, *samples: int, cluster: str = "blue") -> Path:
    """A collection of hours with these samples of 60."""
    writer = CollectionWriter(root, cluster, hour(first))
    for number, count in enumerate(samples, start=first):
        row = {"usage_hour": hour(number), "cluster": cluster, "expected_samples": 60}
        writer.add(hour(number), {"scrape_hours": [row | {"samples": count}]})
    return writer.finish()


def test_it_goes_on_where_the_last_run_ended(tmp_path: Path) -> None:
    write(tmp_path, 0, 60, 60, 60)

    assert hours_to_collect(tmp_path, "blue", None, hour(5)) == [hour(3), hour(4)]
    assert hours_to_collect(tmp_path, "blue", None, hour(3)) == []


def test_any_name_can_be_a_cluster_s_but_one_with_a_slash(tmp_path: Path) -> None:
    write(tmp_path, 0, 60, cluster="a*{b}[c]?'\n")

    assert hours_to_collect(tmp_path, "a*{b}[c]?'\n", None, hour(2)) == [hour(1)]
    with pytest.raises(InfraspendError, match="cannot contain a slash"):
        write(tmp_path, 0, 60, cluster="a/../b")


def test_hours_that_were_not_complete_get_a_second_look(tmp_path: Path) -> None:
    write(tmp_path, 0, 59, 60, 59, 60, 60)
    write(tmp_path, 7, 60, 60)

    # The first hour is more than six before the end; the gap before the last run is not.
    assert hours_to_collect(tmp_path, "blue", None, hour(10)) == [
        *(hour(5), hour(6)),
        hour(9),
    ]
    write(tmp_path, 3, 60, 60, 60, 60)
    assert hours_to_collect(tmp_path, "blue", None, hour(9)) == []


def test_collections_from_long_before_are_not_read(tmp_path: Path) -> None:
    for first in range(0, 24, 2):
        write(tmp_path, first, 60, 59)
    for directory in sorted((tmp_path / "cluster=blue").iterdir())[:-3]:
        (directory / "collection.json").write_text("")
        (directory / "scrape_hours.parquet").unlink()

    assert hours_to_collect(tmp_path, "blue", None, hour(25)) == [
        *(hour(19), hour(21), hour(23)),
        hour(24),
    ]
    assert last_hour(tmp_path, "blue") == hour(24)


def test_the_first_run_collects_a_day(tmp_path: Path) -> None:
    hours = hours_to_collect(tmp_path, "blue", None, hour(30))
    assert (len(hours), hours[0], hours[-1]) == (24, hour(6), hour(29))


def test_a_run_that_was_asked_for_hours_collects_them_again(tmp_path: Path) -> None:
    write(tmp_path, 0, 60, 60)

    assert hours_to_collect(tmp_path, "blue", hour(1), hour(3)) == [hour(1), hour(2)]
    assert hours_to_collect(tmp_path, "blue", hour(5), hour(3)) == []


@pytest.mark.thorough
def test_what_is_collected_again_stands_beside_and_serves(server: str, tmp_path: Path) -> None:
    root = tmp_path / "collected"
    for _ in range(2):
        collect(source(server, "gap"), root)

    assert coverage(root) == [(50, 60)] * 2
    warehouse = tmp_path / "warehouse.duckdb"
    assert kubernetes.load(warehouse, str(root)).landed == 2
    collected = landed_rows(
        warehouse, "select distinct collected_at from raw_kubernetes.collections"
    )
    assert len(collected) == 2


def test_since_last_needs_nothing_but_the_directory(server: str, tmp_path: Path) -> None:
    for ends in (2, 4):
        track(
            [source(server, "cluster-1")],
            str(tmp_path),
            since=None if ends == 4 else FIRST,
            until=None,
            now=hour(ends) + timedelta(minutes=7),
        )

    names = sorted(path.name for path in (tmp_path / "cluster=cluster-1").iterdir())
    assert names == ["20261101T00_20261101T02", "20261101T02_20261101T04"]


def test_a_run_that_was_stopped_leaves_no_collection(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_: CollectionWriter) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(CollectionWriter, "finish", stop)
    with pytest.raises(KeyboardInterrupt):
        collect(source(server, "gap"), tmp_path)

    assert not list(tmp_path.rglob("collection.json"))


def test_the_index_is_written_last_and_holds_no_secret(server: str, tmp_path: Path) -> None:
    tracked = collect(source(server, "gap"), tmp_path)

    index = json.loads((tracked.collections[0] / "collection.json").read_text())
    assert index.keys() == {"format", "cluster", "first_hour", "end_hour", "collected_at", "files"}
    assert {file["table"] for file in index["files"]} == {
        *(
            "container_hours",
            "node_hours",
            "volume_hours",
            "pods",
            "namespaces",
            "scrape_hours",
            "rejects",
        )
    }
    assert [path.name for path in tracked.collections[0].parent.iterdir()] == [
        "20261101T00_20261101T01"
    ]


@pytest.mark.parametrize(
    ("to", "says"),
    [("gs://bucket/collections", "written to a directory"), ("{file}/below", "cannot be written")],
)
def test_a_place_that_cannot_be_written_to_is_refused(
    server: str, tmp_path: Path, to: str, says: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InfraspendError, match=says):
        track(
            [source(server, "gap")],
            to.format(file=tmp_path / "file"),
            since=FIRST,
            until=hour(1),
            now=hour(5),
        )
