"""Small deliveries land together, and none of them is the worse for its neighbours."""

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infraspend.loaders import aws_cur, kubernetes
from infraspend.loaders.aws_cur import landing
from infraspend.loaders.batch import Prepared
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.kubernetes import landing as collections_landing
from infraspend.loaders.open_warehouse import create_raw_tables
from infraspend.loaders.warehouse import LakeUrl, Warehouse, WarehouseLocation
from tests.loaders.bills import charge, deliver_legacy, text_of
from tests.loaders.collections import collect
from tests.loaders.queries import content, copied, rows
from tests.loaders.test_lake import assert_nothing_unlisted, start

CLUSTERS = ["amber", "blue", "coral", "denim", "ecru"]
PAYERS = [f"{number:012}" for number in range(1, 7)]


def deliver(bucket: Path, payer: str, lines: int = 1, **columns: str) -> Path:
    """Delivers a month of a payer, whose report has the same name as that of every other one."""
    text = text_of([charge(bill__PayerAccountId=payer, **columns)] * lines)
    return deliver_legacy(bucket / payer, text, assembly=payer)


@pytest.fixture
def small(bucket: Path) -> Path:
    """A month of each payer: of one line, of two and so on."""
    for lines, payer in enumerate(PAYERS, start=1):
        deliver(bucket, payer, lines)
    return bucket


def loads(warehouse: Path) -> int:
    ((count,),) = rows(warehouse, "select count(*) from raw_aws_cur._dlt_loads")
    return int(count)


def landed(warehouse: Path) -> list[str]:
    """The assemblies that are there, whole: their lines, their totals and their summary."""
    whole = rows(
        warehouse,
        "select assembly_id, line_count = all(from (values"
        " ((select count(*) from raw_aws_cur.line_items where _assembly_id = assembly_id)),"
        " ((select sum(line_count) from raw_aws_cur.control_totals as totals"
        " where totals.assembly_id = assemblies.assembly_id)),"
        " ((select sum(line_count) from raw_aws_cur.summaries"
        " where summaries.assembly_id = assemblies.assembly_id))))"
        " from raw_aws_cur.assemblies order by assembly_id",
    )
    assert all(is_whole for _, is_whole in whole), whole
    assert_nothing_unlisted(warehouse)
    return [assembly for assembly, _ in whole]


def test_many_small_assemblies_land_in_two_loads(warehouse: Path, small: Path) -> None:
    before = loads(warehouse)
    said: list[str] = []

    result = aws_cur.load(warehouse, str(small), progress=said.append)

    assert (result.landed, result.rows) == (6, 21)
    assert loads(warehouse) == before + 2
    assert landed(warehouse) == PAYERS
    size = sum(file.stat().st_size for file in small.rglob("*.csv.gz"))
    assert [text for text in said if "landing" in text] == [
        f"hourly 2026-10 and 5 others: landing 21 lines of 6 files, {size:,} bytes"
    ]
    assert aws_cur.load(warehouse, str(small)).skipped == 6


@pytest.mark.thorough
@pytest.mark.parametrize("limit", ["_MOST_TOGETHER", "_BYTES_TOGETHER"])
def test_what_is_large_lands_alone_and_leaves_the_disk_before_the_next_comes(
    warehouse: Path,
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
) -> None:
    together = Path(shutil.copy(warehouse, tmp_path / "together.duckdb"))
    aws_cur.load(together, str(small))
    before = loads(warehouse)
    monkeypatch.setattr(landing, limit, 1)
    most = 0

    def look(_: str) -> None:
        nonlocal most
        fetched = list(Path(f"{warehouse}.landing").glob("workbench/aws_cur-*"))
        most = max(most, len(fetched))

    aws_cur.load(warehouse, str(small), progress=look)

    assert loads(warehouse) == before + 2 * 6
    assert most == (1 if limit == "_BYTES_TOGETHER" else 2)
    assert content(warehouse, "raw_aws_cur") == content(together, "raw_aws_cur")


def in_another_currency(bucket: Path, payer: str) -> None:
    deliver(bucket, payer, 2, lineItem__CurrencyCode="CNY")


def damaged(bucket: Path, payer: str) -> None:
    (file,) = (bucket / payer).rglob("*.csv.gz")
    file.write_bytes(file.read_bytes()[:-12])


def of_the_kind_that_only_the_database_refuses(bucket: Path, payer: str) -> None:
    deliver(bucket, payer, 2, reservation__EffectiveCost="1,5")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (damaged, r"hourly-1\.csv\.gz is damaged"),
        (in_another_currency, r"hourly-1\.csv\.gz, row 1: .* 'CNY', and what has landed is in USD"),
        (
            of_the_kind_that_only_the_database_refuses,
            r"hourly-1\.csv\.gz, row 1: reservation_effective_cost is '1,5', which is no decimal",
        ),
    ],
)
def test_a_bad_assembly_is_named_and_its_neighbours_land(
    warehouse: Path, small: Path, spoil: Callable[[Path, str], None], said: str
) -> None:
    bad = PAYERS[2]
    spoil(small, bad)

    with pytest.raises(InfraspendError, match=rf"1 of 6 .*: hourly 2026-10: .*/{bad}/.*{said}"):
        aws_cur.load(warehouse, str(small))

    assert landed(warehouse) == [payer for payer in PAYERS if payer != bad]
    assert len(rows(warehouse, "from raw_aws_cur.rejects")) == 1
    assert not list(warehouse.parent.glob("*.landing"))


@pytest.mark.thorough
def test_one_that_cannot_be_recorded_does_not_stop_the_others(
    warehouse: Path,
    lake: LakeUrl,
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row_of = landing._ledger_row

    def spoiled(opened: Warehouse, one: landing.Prepared) -> dict[str, object]:
        row = row_of(opened, one)
        return row | {"files": "many"} if row["assembly_id"] == PAYERS[2] else row

    monkeypatch.setattr(landing, "_ledger_row", spoiled)
    for location in (warehouse, lake):
        with pytest.raises(InfraspendError, match=r"1 of 6 .*the warehouse refused it: .*'many'"):
            aws_cur.load(location, str(small))

    copy = copied(Path(lake.url), tmp_path / "copy.duckdb")
    for place in (warehouse, copy):
        assert landed(place) == [payer for payer in PAYERS if payer != PAYERS[2]]
    assert content(copy, "raw_aws_cur") == content(warehouse, "raw_aws_cur")


def that_cannot_be_read(one: Prepared) -> Prepared:
    one.parts["container_hours"].file.write_bytes(b"no Parquet")
    return one


def that_cannot_be_recorded(one: Prepared) -> Prepared:
    return replace(one, ledger=one.ledger | {"files": "many"})


@pytest.mark.parametrize(
    "spoil",
    [
        that_cannot_be_recorded,
        pytest.param(that_cannot_be_read, marks=pytest.mark.thorough),
    ],
)
def test_a_collection_that_the_warehouse_refuses_does_not_stop_the_others(
    warehouse: Path,
    lake: LakeUrl,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Prepared], Prepared],
) -> None:
    for cluster in CLUSTERS:
        collect(tmp_path / "collected", cluster=cluster)
    prepare = collections_landing._prepare

    def spoiled(*given: Any) -> Prepared:
        one = prepare(*given)
        return spoil(one) if one.ledger["cluster"] == "coral" else one

    monkeypatch.setattr(collections_landing, "_prepare", spoiled)
    for location in (warehouse, lake):
        with pytest.raises(InfraspendError, match=r"1 collections .*: coral .* refused it"):
            kubernetes.load(location, str(tmp_path / "collected"))
    monkeypatch.undo()

    others = [(cluster,) for cluster in CLUSTERS if cluster != "coral"]
    copy = copied(Path(lake.url), tmp_path / "copy.duckdb")
    for place in (warehouse, copy):
        for table in ("collections", "container_hours"):
            assert rows(place, f"select cluster from raw_kubernetes.{table} order by 1") == others
        ((file, reason),) = rows(place, "select file, reason from raw_kubernetes.rejects")
        assert "/cluster=coral/" in file and "the warehouse refused it" in reason
        assert_nothing_unlisted(place)

    assert kubernetes.load(warehouse, str(tmp_path / "collected")).landed == 1


@pytest.mark.parametrize("stage", ["lines_counted", "lines_landed", "assembly_recorded"])
def test_a_kill_in_a_batch_is_put_right_by_the_next_run(
    warehouse: Path, small: Path, stage: str
) -> None:
    expected = PAYERS if stage == "assembly_recorded" else []
    assert_put_right(warehouse, small, stage, expected, lambda: warehouse)


@pytest.mark.thorough
@pytest.mark.parametrize("stage", ["file_arrived", "lines_landed", "ledger_to_come"])
def test_a_kill_in_a_batch_is_put_right_in_a_lake_too(
    lake: LakeUrl, small: Path, tmp_path: Path, stage: str
) -> None:
    assert_put_right(
        lake, small, stage, [], lambda: copied(Path(lake.url), tmp_path / "copy.duckdb")
    )


def assert_put_right(
    location: WarehouseLocation,
    bucket: Path,
    stage: str,
    expected: list[str],
    copy: Callable[[], Path],
) -> None:
    killed, _ = start(aws_cur.load, location, str(bucket), stage=stage)
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    create_raw_tables(location)
    assert landed(copy()) == expected

    assert aws_cur.load(location, str(bucket)).landed == len(PAYERS) - len(expected)

    assert landed(copy()) == PAYERS


@pytest.mark.thorough
def test_a_lake_holds_the_same_of_what_lands_together(
    warehouse: Path, lake: LakeUrl, small: Path, tmp_path: Path
) -> None:
    of_the_kind_that_only_the_database_refuses(small, PAYERS[2])
    for location in (warehouse, lake):
        with pytest.raises(InfraspendError, match=f"1 of 6 .*/{PAYERS[2]}/"):
            aws_cur.load(location, str(small))

    copy = copied(Path(lake.url), tmp_path / "copy.duckdb")
    assert landed(copy) == [payer for payer in PAYERS if payer != PAYERS[2]]
    assert content(copy, "raw_aws_cur") == content(warehouse, "raw_aws_cur")


@pytest.mark.thorough
def test_one_that_is_replaced_meanwhile_is_read_again_and_the_others_land(
    warehouse: Path, lake: LakeUrl, small: Path, tmp_path: Path
) -> None:
    (file,) = (small / PAYERS[2]).rglob("*.csv.gz")
    for location in (warehouse, lake):
        landings: list[str] = []

        def replace_once(text: str, landings: list[str] = landings) -> None:
            if "landing" in text:
                landings.append(text.partition(" of ")[0])
                if len(landings) == 1:
                    os.utime(file)

        assert aws_cur.load(location, str(small), progress=replace_once).landed == 6
        assert landings == [
            "hourly 2026-10 and 5 others: landing 21 lines",
            "hourly 2026-10: landing 3 lines",
        ]

    copy = copied(Path(lake.url), tmp_path / "copy.duckdb")
    assert landed(warehouse) == landed(copy) == PAYERS
    assert content(copy, "raw_aws_cur") == content(warehouse, "raw_aws_cur")


@pytest.mark.thorough
def test_one_that_is_replaced_every_time_is_left_out_and_the_others_stay(
    lake: LakeUrl, small: Path, tmp_path: Path
) -> None:
    (file,) = (small / PAYERS[2]).rglob("*.csv.gz")

    def replace_it(text: str) -> None:
        if "landing" in text:
            os.utime(file)

    with pytest.raises(InfraspendError, match=r"1 of 6 .* AWS replaced files while"):
        aws_cur.load(lake, str(small), progress=replace_it)

    copy = copied(Path(lake.url), tmp_path / "copy.duckdb")
    assert landed(copy) == [payer for payer in PAYERS if payer != PAYERS[2]]


def test_an_assembly_that_lies_there_twice_lands_once(warehouse: Path, small: Path) -> None:
    shutil.copytree(small / PAYERS[0], small / "copy")
    deliver_legacy(
        small / "other", text_of([charge()]), assembly=PAYERS[1], period="20261101-20261201"
    )

    with pytest.raises(InfraspendError, match="has landed as report hourly 2026-10: check the man"):
        aws_cur.load(warehouse, str(small))

    assert landed(warehouse) == PAYERS


def test_a_payer_that_joins_is_seen_in_the_same_run(warehouse: Path, bucket: Path) -> None:
    one, other = PAYERS[:2]
    deliver_legacy(bucket / "1", text_of([charge(bill__PayerAccountId=other)]), assembly="first")
    both = [charge(bill__PayerAccountId=payer) for payer in (one, other)]
    deliver_legacy(bucket / "2", text_of(both), assembly="second")

    aws_cur.load(warehouse, str(bucket))

    assert rows(
        warehouse, "select assembly_id, payer_account_id from raw_aws_cur.assemblies order by all"
    ) == [("first", other), ("second", other)]
