"""A lake of Parquet files holds what a DuckDB file would hold, whatever happens on the way."""

import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from infraspend.loaders import aws_cur, kubernetes, lease, platforms
from infraspend.loaders.aws_cur import Policy
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.lake import folder_name
from infraspend.loaders.open_warehouse import create_raw_tables, open_warehouse
from infraspend.loaders.tables import LEDGERS, LOAD_ID, PARTS, TABLES
from infraspend.loaders.warehouse import KILL_AT, LakeUrl, Landing, LandingError, WarehouseLocation
from tests.loaders.bills import (
    FIXTURE,
    charge,
    cur2_table,
    deliver_cur2,
    deliver_legacy,
    text_of,
)
from tests.loaders.collections import POD, collect
from tests.loaders.queries import content, copied, files_of, rows
from tests.loaders.s3_server import BUCKET, FaultyS3, environment
from tests.loaders.test_restatements import LINES, deliver
from tests.loaders.test_warehouse import ledger_row, usage

STAGES = [
    "files_verified",
    "lines_counted",
    "files_written",
    "file_arrived",
    "lines_landed",
    "ledger_to_come",
    "assembly_recorded",
    "parts_landed",
    "deliveries_recorded",
]
KILLS = 5

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["infraspend.loaders.aws_cur", "infraspend.loaders.platforms", "infraspend.loaders.lake"]
)

Content = dict[str, dict[str, list[tuple[Any, ...]]]]


def everything(warehouse: Path) -> Content:
    return {dataset: content(warehouse, dataset) for dataset in TABLES}


def load_all(location: WarehouseLocation, root: Path) -> None:
    """Lands a bill, usage of a cluster and of a platform."""
    aws_cur.load(location, str(root / "bill"))
    kubernetes.load(location, str(root / "collections"))
    platforms.load(location, str(root / "published"))


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of delivery, with something to be refused in those that go on without it."""
    root = tmp_path_factory.mktemp("deliveries")
    lines = [
        charge(lineItem__UnblendedCost=f"0.{number:010}", resourceTags__user__team=f"t{number % 7}")
        for number in range(500)
    ]
    deliver_legacy(root / "bill", text_of(lines), period="20260901-20261001", assembly="a-9")
    deliver_legacy(root / "bill" / "real", FIXTURE.read_bytes(), report="real", assembly="Real")
    deliver_cur2(root / "bill", cur2_table(500), period="2026-10")
    pod = {"cluster": "blue", "namespace": "api", "pod": "api-1", "uid": "1"}
    collect(
        root / "collections",
        rows={
            "container_hours": [
                POD | {"usage_hour": "2026-11-01 00:00"},
                POD | {"usage_hour": "2026-11-01 01:00", "running_hours": -1.0},
            ],
            "pods": [pod | {"usage_hour": "2026-11-01 00:00", "labels": '{"a": "b"}'}],
        },
    )
    (root / "published" / "spark").mkdir(parents=True)
    (root / "published" / "spark" / "usage.csv").write_text(
        "usage_hour,platform,sub_platform,lyft_label,usage\n"
        "2026-10-03 05:00,spark,main,api,1.5\n2026-10-03 06:00,spark,main,api,-1\n"
    )
    (root / "published" / "spark" / "schedule.csv").write_text(
        "usage_hour,platform,sub_platform,lyft_label,proportion\n"
        "2026-10-03 05:00,spark,main,api,1\n"
    )
    return root


@pytest.fixture(scope="module")
def clean(
    deliveries: Path, empty_warehouse: Path, tmp_path_factory: pytest.TempPathFactory
) -> Content:
    """What a DuckDB file holds after all of it landed."""
    warehouse = tmp_path_factory.mktemp("clean") / "infraspend.duckdb"
    shutil.copy(empty_warehouse, warehouse)
    load_all(warehouse, deliveries)
    return everything(warehouse)


def start(work: Callable[..., None], *arguments: object, stage: str = "") -> tuple[Any, Connection]:
    """Does something in a process of its own, which says when it is done."""
    hears, says = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(
        target=_run, args=(work, arguments, dict(os.environ) | {KILL_AT: stage}, says)
    )
    process.start()
    says.close()
    return process, hears


def _run(
    work: Callable[..., None],
    arguments: tuple[object, ...],
    environment: dict[str, str],
    says: Connection,
) -> None:
    # Those of the server that forks are of an earlier test.
    os.environ.update(environment)
    work(*arguments)
    says.send("done")


def was_done(hears: Connection) -> bool:
    try:
        return bool(hears.recv() == "done")
    except EOFError:
        return False


def assert_whole(warehouse: Path) -> None:
    """What the ledgers list is there, all of it."""
    lines = "select count(*) from raw_aws_cur.line_items where _assembly_id = assembly_id"
    parts = "from raw_platforms.usage select _delivery_id union all from raw_platforms.schedules"
    usage_rows = (
        f"select count(*) from ({parts} select _delivery_id) where _delivery_id = delivery_id"
    )
    for listed, counted in (
        ("line_count from raw_aws_cur.assemblies as", lines),
        ("rows from raw_platforms.deliveries as", usage_rows),
    ):
        found = rows(warehouse, f"select ({counted}), {listed} ledger")
        assert all(there == expected for there, expected in found)


def assert_nothing_unlisted(warehouse: Path) -> None:
    """Nothing is there of a delivery that no ledger lists."""
    for dataset, parts in PARTS.items():
        ledger, key = LEDGERS[dataset]
        for table, column in parts.items():
            unlisted = rows(
                warehouse,
                f"select distinct {column} from {dataset}.{table}"
                f" where {column} not in (select {key} from {dataset}.{ledger})",
            )
            assert unlisted == [], table


def test_an_empty_lake_has_every_table_with_its_types(empty_lake: Path, tmp_path: Path) -> None:
    warehouse = copied(empty_lake, tmp_path / "copy.duckdb")

    for dataset, tables in TABLES.items():
        for table, columns in tables.items():
            found = rows(
                warehouse,
                "select column_name, lower(data_type) from information_schema.columns"
                f" where table_schema = '{dataset}' and table_name = '{table}'"
                " order by ordinal_position",
            )
            text = {name: "varchar" for name, kind in columns.items() if kind == "json"}
            assert found == list((columns | text | {LOAD_ID: "varchar"}).items())


def test_the_same_deliveries_give_the_same_rows_as_in_duckdb(
    lake: LakeUrl, deliveries: Path, clean: Content, tmp_path: Path
) -> None:
    load_all(lake, deliveries)
    load_all(lake, deliveries)

    root = Path(lake.url)
    warehouse = copied(root, tmp_path / "copy.duckdb")
    assert everything(warehouse) == clean
    assert rows(warehouse, "select count(*) from raw_kubernetes.rejects") == [(1,)]
    assert len(files_of(root, "raw_aws_cur", "line_items")) == 4
    for dataset, tables in TABLES.items():
        for table in tables:
            assert rows(
                warehouse,
                f"select count(*) from {dataset}.{table} where {LOAD_ID} not in"
                f" (select load_id from {dataset}._dlt_loads where status = 0)",
            ) == [(0,)]
            for file in files_of(root, dataset, table):
                # As DuckDB wrote it: dlt has not written it again, and every column may be NULL.
                assert "DuckDB" in pq.read_metadata(file).created_by
                assert all(field.nullable for field in pq.read_schema(file))
    assert not (root.parent / f"{root.name}.landing").exists()
    assert list((root / "_infraspend" / "unfinished").iterdir()) == []


@pytest.mark.thorough
def test_a_run_that_is_killed_at_any_stage_is_put_right_by_the_next(
    lake: LakeUrl, deliveries: Path, clean: Content, tmp_path: Path
) -> None:
    for stage in STAGES:
        killed, _ = start(load_all, lake, deliveries, stage=stage)
        killed.join()
        assert killed.exitcode == -signal.SIGKILL, stage
        create_raw_tables(lake)
        warehouse = copied(Path(lake.url), tmp_path / "copy.duckdb")
        assert_whole(warehouse)
        assert_nothing_unlisted(warehouse)

    load_all(lake, deliveries)

    assert everything(copied(Path(lake.url), tmp_path / "copy.duckdb")) == clean


@pytest.mark.thorough
def test_kills_at_random_end_like_a_clean_run(
    lake: LakeUrl, empty_lake: Path, deliveries: Path, clean: Content, tmp_path: Path
) -> None:
    chance = random.Random(20261123)
    root = Path(lake.url)
    began = time.monotonic()
    undisturbed, hears = start(load_all, lake, deliveries)
    assert was_done(hears)
    undisturbed.join()
    duration = time.monotonic() - began
    for _ in range(KILLS):
        if everything(copied(root, tmp_path / "copy.duckdb")) == clean:
            shutil.rmtree(root)
            shutil.copytree(empty_lake, root)
        running, hears = start(load_all, lake, deliveries)
        time.sleep(chance.uniform(0.1, 1.0) * duration)
        running.kill()
        running.join()
        assert_whole(copied(root, tmp_path / "copy.duckdb"))

    load_all(lake, deliveries)

    assert everything(copied(root, tmp_path / "copy.duckdb")) == clean


@pytest.mark.thorough
def test_superseded_assemblies_are_pruned_and_their_history_is_kept(
    lake: LakeUrl, bucket: Path, tmp_path: Path
) -> None:
    for number in range(1, 4):
        deliver(bucket, number, [charge()] * number)
        aws_cur.load(lake, str(bucket), policy=Policy(keep=1))
    copy = shutil.copytree(bucket, tmp_path / "copy")
    warehouse = copied(Path(lake.url), tmp_path / "copy.duckdb")
    assert rows(warehouse, LINES) == [("assembly-2", 2), ("assembly-3", 3)]

    deliver(bucket, 4, [charge()] * 4)
    killed, _ = start(prune_all_but_one, lake, bucket, stage="discard_noted")
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    # What was to go goes, although this run would have kept it.
    aws_cur.load(lake, str(bucket), policy=Policy(keep=9))
    warehouse = copied(Path(lake.url), tmp_path / "copy.duckdb")
    assert rows(warehouse, LINES) == [("assembly-4", 4)]
    assert rows(
        warehouse, "select assembly_id, line_count from raw_aws_cur.summaries order by all"
    ) == [(f"assembly-{number}", number) for number in range(1, 5)]

    closed = Policy(keep=0, pinned={"assembly-3"})
    assert aws_cur.load(lake, str(copy), policy=closed).landed == 1
    warehouse = copied(Path(lake.url), tmp_path / "copy.duckdb")
    assert rows(warehouse, LINES) == [("assembly-3", 3), ("assembly-4", 4)]
    assert rows(warehouse, "select count(*) from raw_aws_cur.assemblies") == [(4,)]


def prune_all_but_one(lake: LakeUrl, bucket: Path) -> None:
    aws_cur.load(lake, str(bucket), policy=Policy(keep=0))


def test_a_poisoned_file_stops_only_itself(lake: LakeUrl, bucket: Path, tmp_path: Path) -> None:
    deliver_legacy(bucket, text_of([charge()]), period="20260901-20261001", assembly="good")
    bad = [charge(), charge(lineItem__UnblendedCost="1,5")]
    deliver_legacy(bucket, text_of(bad), assembly="bad")

    with pytest.raises(InfraspendError, match=r"1 of 2 .*hourly-1.csv.gz, row 2: .* is '1,5'"):
        aws_cur.load(lake, str(bucket))

    warehouse = copied(Path(lake.url), tmp_path / "copy.duckdb")
    assert rows(warehouse, LINES) == [("good", 1)]
    assert rows(warehouse, "select count(*) from raw_aws_cur.rejects") == [(1,)]


def test_a_delivery_lands_once_and_leaves_its_neighbours_alone(
    lake: LakeUrl, tmp_path: Path
) -> None:
    both = " union all ".join(usage(one).select for one in ("one", "it's two"))
    together = Landing("usage", both, "_delivery_id", ["one", "it's two"])
    recorded = {"deliveries": [ledger_row("one"), ledger_row("it's two")]}
    with open_warehouse(lake) as opened:
        for _ in range(2):
            opened.land("raw_platforms", [together])
            opened.land_rows("raw_platforms", recorded)
        with pytest.raises(LandingError, match="Could not convert string"):
            opened.land("raw_platforms", [usage("bad", "1,5")])
        opened.land("raw_platforms", [usage("half landed")])
        opened.remove("raw_platforms", "one")
        assert opened.landed("raw_platforms") == {"it's two"}

    warehouse = copied(Path(lake.url), tmp_path / "copy.duckdb")
    assert rows(warehouse, "select _delivery_id, usage from raw_platforms.usage") == [
        ("it's two", 1.5)
    ]


def test_two_runs_do_not_collide(lake: LakeUrl) -> None:
    with (
        open_warehouse(lake),
        pytest.raises(InfraspendError, match="being loaded by another run"),
    ):
        create_raw_tables(lake)


@pytest.mark.thorough
def test_a_lake_in_a_bucket_is_like_one_in_a_directory(
    s3: FaultyS3,
    deliveries: Path,
    clean: Content,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lake = LakeUrl(f"s3://{BUCKET}/a/lake")
    killed, _ = start(load_all, lake, deliveries, stage="lines_landed")
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    with pytest.raises(InfraspendError, match=r"another run: .* if it was killed, in \d+ seconds"):
        load_all(lake, deliveries)
    monkeypatch.setattr(lease, "SECONDS", 0.0)
    with open_warehouse(lake):
        pass
    monkeypatch.undo()
    for name, value in environment(s3.url).items():
        monkeypatch.setenv(name, value)

    load_all(lake, deliveries)

    objects = s3.client.list_objects_v2(Bucket=BUCKET)["Contents"]
    for found in objects:
        file = tmp_path / found["Key"]
        file.parent.mkdir(parents=True, exist_ok=True)
        s3.client.download_file(BUCKET, found["Key"], str(file))
        for secret in (b"AKIACANARY", b"canary-secret", b"canary-token"):
            assert secret not in file.read_bytes(), found["Key"]
    assert everything(copied(tmp_path / "a" / "lake", tmp_path / "copy.duckdb")) == clean


@pytest.mark.usefixtures("s3")
def test_a_bucket_that_is_not_there_is_named() -> None:
    with pytest.raises(InfraspendError, match=r"s3://nobody/.* cannot be written \(NoSuchBucket\)"):
        create_raw_tables(LakeUrl("s3://nobody/lake"))
    with pytest.raises(InfraspendError, match="credentials come from AWS's own"):
        create_raw_tables(LakeUrl("s3://AKIACANARY:canary@bucket/prefix"))


def test_folders_are_named_like_deliveries_but_never_alike() -> None:
    assert folder_name("20261101t000000-5d.1") == "20261101t000000-5d.1"
    names = ["", "none", "a/b", "a-b", "A-b", "a_b", "a%2Fb", "é", "..", "x" * 200, "x" * 201]
    folders = [folder_name(name) for name in names]
    assert len(set(folders)) == len(names)
    assert all(folder.isascii() and len(folder) <= 100 for folder in folders)
    assert not any(set(folder) & set("/%=* ") or folder[0] in "._" for folder in folders[1:])
