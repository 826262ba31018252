"""What happens to deliveries, seen from the marts: kills, restatements, two reports of one bill."""

import shutil
import signal
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from infraspend.loaders import aws_cur
from infraspend.loaders.aws_cur import Policy, closed_assemblies
from infraspend.loaders.open_warehouse import create_raw_tables
from tests.end_to_end.companies import WITHOUT_UNIT_TESTS, Company, built, company_in, marts_of
from tests.loaders.bills import Row, charge, deliver_legacy, text_of
from tests.loaders.test_killed import STAGES, start

pytestmark = pytest.mark.thorough

ACCOUNT = "012345678901"
RULE = {
    "rule_order": "10",
    "match_on": "tag",
    "match_key": "user_team",
    "match_type": "present",
    "lyft_label": "{value}",
}
CLOSED = {
    "payer_account_id": "000111111111",
    "billing_period": "2026-10",
    "assembly_id": "assembly-1",
    "closed_at": "2026-11-02",
}


def month(*costs: tuple[str, str]) -> bytes:
    """A bill of one charge for each label and cost."""
    lines: list[Row] = [
        charge(lineItem__UnblendedCost=cost) | {"resourceTags/user:team": label}
        for label, cost in costs
    ]
    return text_of(lines)


def deliver(company: Company, number: int, content: bytes, report: str = "hourly") -> None:
    """Delivers October, on that day of November."""
    deliver_legacy(
        company.bill,
        content,
        report=report,
        assembly=f"assembly-{number}",
        written=datetime(2026, 11, number, tzinfo=UTC),
    )


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Company:
    """A company with one delivery of one month, landed undisturbed, and built."""
    company = company_in(tmp_path_factory.mktemp("original") / "company", project)
    deliver(company, 1, month(("api", "0.0111111111"), ("web", "2.5"), ("", "0.125")))
    company.declare(label_rules=[RULE])
    return built(company, *WITHOUT_UNIT_TESTS)


@pytest.fixture
def company(original: Company, tmp_path: Path) -> Company:
    """A copy of it."""
    shutil.copytree(original.root, tmp_path / "company", symlinks=True)
    return Company(tmp_path / "company", tmp_path / "company")


@pytest.mark.thorough
def test_after_kills_the_marts_are_those_of_a_clean_run(
    original: Company, company: Company
) -> None:
    company.warehouse.unlink()
    create_raw_tables(company.warehouse)
    for stage in STAGES:
        killed, _ = start(company.warehouse, company.bill, stage)
        killed.join()
        assert killed.exitcode == -signal.SIGKILL
        if stage != STAGES[-1]:
            assert company.rows("select * from raw_aws_cur.assemblies") == []

    built(company, *WITHOUT_UNIT_TESTS)

    assert marts_of(company) == marts_of(original)
    assert company.one("select sum(true_cost) from marts.true_cost") == Decimal("2.6361111111")


def test_a_closed_month_stays_and_what_would_have_moved_is_reported_by_label(
    original: Company, company: Company
) -> None:
    company.declare(label_rules=[RULE], closed_periods=[CLOSED])
    deliver(company, 2, month(("api", "0.0111111111"), ("web", "2.0"), ("", "0.125"), ("", "1")))
    policy = Policy(keep=0, pinned=closed_assemblies(company.seeds))
    aws_cur.load(company.warehouse, str(company.bill), policy=policy)

    result = company.build(*WITHOUT_UNIT_TESTS)

    assert result.succeeded, result.failures
    found, before = marts_of(company), marts_of(original)
    assert before.pop("restatements") == [] != found.pop("restatements")
    # Says that it is closed.
    assert before.pop("billing_periods") != found.pop("billing_periods")
    assert found == before
    assert company.rows(
        "select assembly_id, previous_assembly_id, account_id, lyft_label, line_count_change,"
        " unblended_cost_change, is_frozen_out from marts.restatements order by lyft_label"
    ) == [
        ("assembly-2", "assembly-1", ACCOUNT, "unlabeled", 1, Decimal(1), True),
        ("assembly-2", "assembly-1", ACCOUNT, "web", 0, Decimal("-0.5"), True),
    ]


def test_two_reports_of_one_bill_are_refused_by_their_names(company: Company) -> None:
    deliver(company, 2, month(("api", "7")), report="second")
    company.load()

    refused = company.build("--select", "+something_is_left_of_every_period")

    assert not refused.succeeded
    assert any("hourly" in said and "second" in said for said in refused.failures)
