"""Collections that go to a bucket: a real Prometheus on one side, S3 over HTTP on the other."""

from pathlib import Path

import pytest

from loaders import kubernetes
from loaders.kubernetes.prometheus import Access
from loaders.kubernetes.sources import Source
from loaders.kubernetes.tracker import Tracked, TrackError, track
from tests.loaders.queries import rows as landed_rows
from tests.loaders.s3_server import BUCKET, FaultyS3
from tests.tracker.reading import FIRST, NOW, source

URL = f"s3://{BUCKET}/usage"


def collected(server: str, until: int, *more: Source, since: bool = False) -> Tracked:
    """What a run collects; `since` asks for hours from the first, whatever was collected."""
    return track(
        [*more, source(server, "sparse")],
        URL,
        since=FIRST if since else None,
        until=FIRST.replace(hour=until),
        now=NOW,
    )


def keys(s3: FaultyS3) -> set[str]:
    found = s3.client.list_objects_v2(Bucket=BUCKET).get("Contents", ())
    return {one["Key"] for one in found}


def folders(s3: FaultyS3) -> list[str]:
    return sorted(key.split("/")[2] for key in keys(s3) if key.endswith("/collection.zip"))


@pytest.mark.thorough
def test_a_run_goes_on_where_the_bucket_ends(server: str, s3: FaultyS3, warehouse: Path) -> None:
    collected(server, 1, since=True)
    assert folders(s3) == ["20261101T00_20261101T01"]

    # The second hour had 5 of its scrapes, and is looked at again with the hours after it.
    collected(server, 2)
    collected(server, 4)
    assert folders(s3) == [
        "20261101T00_20261101T01",
        "20261101T01_20261101T02",
        *[name for name in folders(s3) if name.startswith("20261101T01_20261101T02_")],
        "20261101T03_20261101T04",
    ]
    assert len(folders(s3)) == len(keys(s3)) == 4
    assert kubernetes.load(warehouse, URL).landed == 4
    assert landed_rows(
        warehouse,
        "select distinct hour(usage_hour), samples from raw_kubernetes.scrape_hours order by all",
    ) == [(0, 60), (1, 5), (3, 60)]
    assert kubernetes.load(warehouse, URL).skipped == 4


def test_a_run_goes_on_where_several_objects_end(server: str, s3: FaultyS3, tmp_path: Path) -> None:
    """Earlier versions wrote an object per table."""
    track(
        [source(server, "sparse")], str(tmp_path), since=FIRST, until=FIRST.replace(hour=2), now=NOW
    )
    for file in tmp_path.rglob("*.*"):
        name = f"usage/{file.relative_to(tmp_path).as_posix()}"
        s3.client.upload_file(str(file), BUCKET, name)

    # The second hour had 5 of its scrapes, and is looked at again.
    collected(server, 2)
    assert folders(s3) == ["20261101T01_20261101T02"]


def test_the_hours_of_an_earlier_collection_are_written_beside_it(
    server: str, s3: FaultyS3
) -> None:
    collected(server, 1, since=True)
    before = {key: s3.client.head_object(Bucket=BUCKET, Key=key)["ETag"] for key in keys(s3)}
    collected(server, 1, since=True)

    assert len(folders(s3)) == 2
    for key, etag in before.items():
        assert s3.client.head_object(Bucket=BUCKET, Key=key)["ETag"] == etag


def test_a_cluster_that_fails_keeps_no_other_from_the_bucket(server: str, s3: FaultyS3) -> None:
    gone = Source("gone", Access("http://127.0.0.1:9", pause=0.01))

    with pytest.raises(TrackError, match="gone") as raised:
        collected(server, 1, gone, since=True)

    assert folders(s3) == ["20261101T00_20261101T01"]
    clusters = raised.value.tracked.clusters
    assert (clusters["gone"].is_good, clusters["gone"].hours_behind) == (False, None)
    assert (clusters["sparse"].is_good, clusters["sparse"].hours_behind) == (True, 0)


@pytest.mark.usefixtures("s3")
def test_a_bucket_that_takes_nothing_is_named(server: str) -> None:
    with pytest.raises(TrackError, match="s3://no-such-bucket/"):
        track(
            [source(server, "gap")],
            "s3://no-such-bucket/",
            since=FIRST,
            until=FIRST.replace(hour=1),
            now=NOW,
        )
