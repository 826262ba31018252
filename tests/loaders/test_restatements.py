"""What happens when AWS delivers a month again, late, empty, or never."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infraspend.loaders import aws_cur
from infraspend.loaders.aws_cur import Policy
from infraspend.loaders.errors import InfraspendError
from tests.loaders.bills import Row, charge, deliver_legacy, text_of
from tests.loaders.queries import content, rows

LINES = "select _assembly_id, count(*) from raw_aws_cur.line_items group by all order by all"
PERIOD = "2026-10"


def deliver(bucket: Path, number: int, lines: Sequence[Row], **delivery: str) -> Path:
    """Delivers the month's assembly number so and so, on that day of November."""
    return deliver_legacy(
        bucket,
        text_of(lines),
        assembly=f"assembly-{number}",
        written=datetime(2026, 11, number, tzinfo=UTC),
        **delivery,  # type: ignore[arg-type]
    )


@pytest.mark.thorough
def test_superseded_assemblies_are_pruned_and_their_history_is_kept(
    warehouse: Path, bucket: Path
) -> None:
    for number in range(1, 5):
        deliver(bucket, number, [charge()] * number)
        aws_cur.load(warehouse, str(bucket))

    assert rows(warehouse, LINES) == [("assembly-3", 3), ("assembly-4", 4)]
    aws_cur.load(warehouse, str(bucket), policy=Policy(keep=0))
    assert rows(warehouse, LINES) == [("assembly-4", 4)]
    assert rows(
        warehouse,
        "select assembly_id, account_id, tags, line_count, unblended_cost"
        " from raw_aws_cur.summaries order by 1",
    ) == rows(
        warehouse,
        "select assembly_id, '012345678901', '{}', line_count, unblended_cost"
        " from raw_aws_cur.assemblies order by 1",
    )


@pytest.mark.thorough
def test_an_older_assembly_that_arrives_late_changes_nothing(warehouse: Path, bucket: Path) -> None:
    deliver(bucket, 2, [charge()] * 2)
    aws_cur.load(warehouse, str(bucket))
    before = content(warehouse, "raw_aws_cur")
    deliver(bucket, 1, [charge()])

    assert aws_cur.load(warehouse, str(bucket)).skipped == 1
    assert content(warehouse, "raw_aws_cur") == before


@pytest.mark.thorough
def test_the_assembly_of_a_closed_period_lands_late_and_is_never_pruned(
    warehouse: Path, bucket: Path
) -> None:
    closed = Policy(keep=0, pinned={"assembly-1"})
    deliver(bucket, 2, [charge()] * 2)
    aws_cur.load(warehouse, str(bucket), policy=closed)
    deliver(bucket, 1, [charge()])

    assert aws_cur.load(warehouse, str(bucket), policy=closed).landed == 1
    assert rows(warehouse, LINES) == [("assembly-1", 1), ("assembly-2", 2)]


@pytest.mark.thorough
def test_a_pruned_assembly_lands_again_once_its_period_is_closed_with_it(
    warehouse: Path, bucket: Path, tmp_path: Path
) -> None:
    deliver(bucket, 1, [charge()])
    aws_cur.load(warehouse, str(bucket))
    copy = shutil.copytree(bucket, tmp_path / "copy")
    deliver(bucket, 2, [charge()] * 2)
    aws_cur.load(warehouse, str(bucket), policy=Policy(keep=0))

    again = aws_cur.load(warehouse, str(copy), policy=Policy(keep=0, pinned={"assembly-1"}))

    assert again.landed == 1
    assert rows(warehouse, LINES) == [("assembly-1", 1), ("assembly-2", 2)]


def test_closed_periods_are_read_from_the_seed(tmp_path: Path) -> None:
    assert aws_cur.closed_assemblies(tmp_path) == frozenset()
    seed = tmp_path / "closed_periods.csv"
    seed.write_text("assembly_id,payer_account_id\na1,000111111111\n,\n")
    assert aws_cur.closed_assemblies(tmp_path) == {"a1"}
    seed.write_text("payer_account_id\n000111111111\n")
    with pytest.raises(InfraspendError, match=r"closed_periods.csv cannot be read"):
        aws_cur.closed_assemblies(tmp_path)


@pytest.mark.thorough
def test_an_empty_delivery_never_wipes_a_month_by_itself(warehouse: Path, bucket: Path) -> None:
    header_only = text_of([charge()]).splitlines(keepends=True)[0]
    deliver(bucket, 1, [charge()])
    aws_cur.load(warehouse, str(bucket))
    before = content(warehouse, "raw_aws_cur")["line_items"]
    deliver_legacy(bucket, header_only, assembly="assembly-2")

    with pytest.raises(InfraspendError, match=r"no lines and 1 have landed.*--accept-empty"):
        aws_cur.load(warehouse, str(bucket))
    deliver_legacy(bucket, assembly="assembly-3")
    with pytest.raises(InfraspendError, match=r"no lines and 1 have landed"):
        aws_cur.load(warehouse, str(bucket))
    assert content(warehouse, "raw_aws_cur")["line_items"] == before

    assert aws_cur.load(warehouse, str(bucket), policy=Policy(accept_empty=True)).landed == 1
    assert rows(
        warehouse,
        "select assembly_id, line_count from raw_aws_cur.assemblies order by manifest_time desc",
    ) == [("assembly-3", 0), ("assembly-1", 1)]


@pytest.mark.thorough
def test_a_month_may_begin_empty(warehouse: Path, bucket: Path) -> None:
    deliver_legacy(bucket, text_of([charge()]).splitlines(keepends=True)[0])

    assert aws_cur.load(warehouse, str(bucket)).landed == 1
    deliver_legacy(bucket, text_of([charge()]), assembly="assembly-2")
    assert aws_cur.load(warehouse, str(bucket)).rows == 1


def test_a_delivery_is_pending_until_its_data_is_there(warehouse: Path, bucket: Path) -> None:
    deliver(bucket, 1, [charge()])
    aws_cur.load(warehouse, str(bucket))
    manifest = deliver_legacy(bucket, text_of([charge()] * 2), assembly="assembly-2")
    file = manifest.parent / "assembly-2" / "hourly-1.csv.gz"
    file.rename(bucket / "later")

    result = aws_cur.load(warehouse, str(bucket))

    assert (result.landed, result.pending) == (0, 1)
    assert rows(warehouse, LINES) == [("assembly-1", 1)]
    ((reason,),) = rows(warehouse, "select reason from raw_aws_cur.rejects")
    assert reason.startswith("pending: ") and "hourly-1.csv.gz is not there" in reason

    (bucket / "later").rename(file)
    assert aws_cur.load(warehouse, str(bucket)).landed == 1


@pytest.mark.parametrize(("hours", "is_late"), [(47, False), (49, True)])
def test_a_delivery_is_late_after_as_many_hours(
    warehouse: Path, bucket: Path, hours: int, is_late: bool
) -> None:
    written = datetime.now(UTC) - timedelta(hours=hours)
    manifest = deliver_legacy(bucket, text_of([charge()]), written=written)
    next(manifest.parent.glob("*/*.csv.gz")).unlink()

    if is_late:
        with pytest.raises(InfraspendError, match="48 hours after its manifest was written"):
            aws_cur.load(warehouse, str(bucket))
    else:
        assert aws_cur.load(warehouse, str(bucket)).pending == 1


def test_data_without_a_manifest_are_named_and_stop_no_other(warehouse: Path, bucket: Path) -> None:
    deliver_legacy(bucket, text_of([charge()])).unlink()
    deliver_legacy(bucket, text_of([charge()]), report="other", assembly="other")

    with pytest.raises(InfraspendError, match=r"1 of 2 .* no manifest"):
        aws_cur.load(warehouse, str(bucket))

    assert rows(warehouse, "select report from raw_aws_cur.assemblies") == [("other",)]


def test_a_manifest_from_the_future_is_not_late(warehouse: Path, bucket: Path) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    manifest = deliver_legacy(bucket, text_of([charge()]), written=soon)
    next(manifest.parent.glob("*/*.csv.gz")).unlink()

    assert aws_cur.load(warehouse, str(bucket)).pending == 1
