"""A simulation can be repeated, and never touches what is not its own."""

import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from infraspend.loaders.errors import InfraspendError
from infraspend.simulation import simulate


def _digests(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("two-days")
    simulate(out, days=2)
    return out


def test_the_same_seed_writes_the_same_bytes(two_days: Path, tmp_path: Path) -> None:
    simulate(tmp_path, days=2)
    assert _digests(tmp_path) == _digests(two_days)


def test_another_seed_writes_another_company(two_days: Path, tmp_path: Path) -> None:
    simulate(tmp_path, days=2, seed=1)
    names = ("truth/true_cost.parquet", "truth/schedule.parquet", "truth/enriched_spend.parquet")
    for name in names:
        assert (tmp_path / name).read_bytes() != (two_days / name).read_bytes()


def test_a_larger_company_has_a_longer_bill(two_days: Path, tmp_path: Path) -> None:
    larger = simulate(tmp_path, days=2, scale=2)
    assert larger.bill_lines == 2 * simulate(two_days, days=2).bill_lines


def test_a_day_does_not_depend_on_the_days_before_it(two_days: Path, tmp_path: Path) -> None:
    simulate(tmp_path, days=3)
    for path in (two_days / "kubernetes").rglob("*.parquet"):
        assert (tmp_path / path.relative_to(two_days)).read_bytes() == path.read_bytes()


def test_progress_is_a_line_a_day(tmp_path: Path) -> None:
    said: list[str] = []
    simulate(tmp_path, days=2, progress=said.append)
    assert said == [
        "Simulating 2026-11-19, 0 of 2 days done",
        "Simulating 2026-11-20, 1 of 2 days done",
    ]


def test_a_second_run_finds_everything_there(tmp_path: Path) -> None:
    first = simulate(tmp_path, days=2)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    second = simulate(tmp_path, days=2)
    assert first.is_new and not second.is_new
    assert second.bill_lines == first.bill_lines
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == times


@pytest.mark.thorough
def test_a_run_that_lost_a_file_is_repeated_whole(two_days: Path, tmp_path: Path) -> None:
    simulate(tmp_path, days=2)
    next((tmp_path / "platforms").rglob("*.csv")).unlink()
    assert simulate(tmp_path, days=2).is_new
    assert _digests(tmp_path) == _digests(two_days)


@pytest.mark.thorough
def test_another_simulation_in_the_directory_is_replaced(two_days: Path, tmp_path: Path) -> None:
    simulate(tmp_path, days=3)
    simulate(tmp_path, days=2)
    assert _digests(tmp_path) == _digests(two_days)


def test_files_of_others_are_never_deleted(tmp_path: Path) -> None:
    mine = tmp_path / "bill" / "mine.csv"
    mine.parent.mkdir()
    mine.write_text("precious")
    with pytest.raises(InfraspendError, match="did not write: choose an empty directory"):
        simulate(tmp_path, days=2)
    assert mine.read_text() == "precious"


@pytest.mark.parametrize(
    ("days", "scale"), [(1, 1.0), (0, 1.0), (2, 0.0), (2, -1.0), (2, 2.5), (2, 677.0)]
)
def test_a_company_without_days_or_size_is_refused(tmp_path: Path, days: int, scale: float) -> None:
    with pytest.raises(InfraspendError):
        simulate(tmp_path / "out", days=days, scale=scale)
    assert not (tmp_path / "out").exists()


def test_collections_say_what_they_hold(two_days: Path) -> None:
    manifests = sorted((two_days / "kubernetes").rglob("collection.json"))
    assert len(manifests) == 8
    for path in manifests:
        manifest = json.loads(path.read_text())
        assert path.parents[1].name == f"cluster={manifest['cluster']}"
        for file in manifest["files"]:
            content = (path.parent / file["name"]).read_bytes()
            assert (len(content), hashlib.sha256(content).hexdigest()) == (
                file["bytes"],
                file["sha256"],
            )
            assert pq.read_metadata(path.parent / file["name"]).num_rows == file["rows"]


def test_nodes_are_machines_of_the_bill(two_days: Path) -> None:
    (export,) = (two_days / "bill").rglob("*.parquet")
    machines = set(pq.read_table(export, columns=["line_item_resource_id"])[0].to_pylist())
    nodes = {
        provider_id
        for path in (two_days / "kubernetes").rglob("node_hours.parquet")
        for provider_id in pq.read_table(path)["provider_id"].to_pylist()
    }
    volumes = {
        volume_id
        for path in (two_days / "kubernetes").rglob("volume_hours.parquet")
        for volume_id in pq.read_table(path)["volume_id"].to_pylist()
    }
    assert nodes and volumes
    assert {provider_id.rsplit("/", 1)[1] for provider_id in nodes} <= machines
    assert volumes <= machines
