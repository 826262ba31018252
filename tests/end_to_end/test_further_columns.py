"""Account tags in label rules, and further columns of the report carried to the marts."""

import shutil
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from infraspend.builder.seeds import SEED_COLUMNS
from tests.end_to_end.companies import WITHOUT_UNIT_TESTS, Company, built, company_in
from tests.fixtures.make_company import COMPANY
from tests.loaders.bills import cur2_table, deliver_cur2

pytestmark = pytest.mark.thorough

TEXT_MAP = pa.map_(pa.string(), pa.string())
GRAIN = (
    "usage_hour, billing_period, is_period_charge, payer_account_id, account_id, product,"
    " charge_class"
)
"""What both marts have, and no pool goes across."""


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Company:
    """Five lines with the tags of their accounts, and a column that somebody has added."""
    company = company_in(tmp_path_factory.mktemp("tagged"), project)
    tags = [
        [("accountTag/Department", "Risk"), ("resourceTags/user:Service", "api")],
        [("accountTag/Department", "Risk")],
        [("accountTag/cost-center", "4711"), ("resourceTags/account_department", "wrong")],
        [],
        [],
    ]
    table = cur2_table(
        5,
        line_item_unblended_cost=pa.array([1.0, 2.0, 4.0, 8.0, 16.0]),
        tags=pa.array(tags, TEXT_MAP),
        product=pa.array([[], [("volume_type", "gp3")], [], [], []], TEXT_MAP),
        Chargeback_Code=pa.array(["red", "red", "blue", "", "green"]),
    )
    deliver_cur2(company.bill, table.drop(["resource_tags"]))
    rules = [
        ("10", "tag", "user_service", "present", "", "{value}", "", ""),
        ("20", "account_tag", "department", "present", "", "{value}", "", ""),
        ("30", "account_tag", "cost_center", "regex", "^47(..)$", "center-{1}", "", ""),
    ]
    columns = SEED_COLUMNS["label_rules"]
    company.declare(label_rules=[dict(zip(columns, rule, strict=True)) for rule in rules])
    return built(company, *WITHOUT_UNIT_TESTS, *carrying("chargeback_code", "product_volume_type"))


def carrying(*columns: str) -> tuple[str, str]:
    """The arguments of a build that carries some columns."""
    return "--vars", f"{{carry_columns: [{', '.join(columns)}]}}"


def test_account_tags_are_matched_by_rules(tagged: Company) -> None:
    assert tagged.rows(
        "select lyft_label, label_rule, sum(true_cost) from marts.true_cost group by all order by 3"
    ) == [
        ("api", 10, Decimal(1)),
        ("risk", 20, Decimal(2)),
        ("center-11", 30, Decimal(4)),
        ("unlabeled", None, Decimal(24)),
    ]


@pytest.mark.parametrize("mart", ["true_cost", "enriched_spend"])
def test_further_columns_stand_in_the_marts(tagged: Company, mart: str) -> None:
    cost = "true_cost" if mart == "true_cost" else "spend"
    assert tagged.rows(
        f"select chargeback_code, product_volume_type, sum({cost}) from marts.{mart}"
        " group by all order by 3"
    ) == [
        ("red", None, Decimal(1)),
        ("red", "gp3", Decimal(2)),
        ("blue", None, Decimal(4)),
        (None, None, Decimal(8)),
        ("green", None, Decimal(16)),
    ]


def test_a_column_that_no_report_has_is_warned_about(tagged: Company) -> None:
    result = tagged.build(
        *("--select", "carried_columns_were_delivered"),
        *WITHOUT_UNIT_TESTS,
        *carrying("chargeback_code", "chargback_cod"),
    )

    assert result.succeeded, result.failures
    (warning,) = result.warnings
    assert "carried_columns_were_delivered" in warning
    assert "carried_column=chargback_cod" in warning


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ("[product]", "`product`: it is a map"),
        ("[a_column, a_column]", "`a_column`: it is listed twice"),
        ("[Some Column]", "`Some Column`: write it as CUR 2.0 would"),
    ],
)
def test_a_column_that_cannot_be_carried_is_refused(
    tagged: Company, columns: str, complaint: str
) -> None:
    done = tagged.plain_dbt("--select", "true_cost", "--vars", f"{{carry_columns: {columns}}}")

    assert done.returncode != 0
    assert f"The variable carry_columns names {complaint}" in " ".join(done.stdout.split())


def test_carried_columns_move_no_cost_and_are_in_the_grain(tmp_path: Path, project: Path) -> None:
    company = company_in(tmp_path / "company", project)
    shutil.copytree(COMPANY, company.root, dirs_exist_ok=True)
    (company.root / "seeds").rename(company.seeds)
    built(company, *WITHOUT_UNIT_TESTS)
    costs = f"select {GRAIN}, sum(true_cost) from marts.true_cost group by all order by all"
    spend = f"select {GRAIN}, lyft_label, sum(spend) from marts.enriched_spend group by all"
    before = {
        "costs": company.rows(costs),
        "spend": company.rows(f"{spend} order by all"),
    }

    # The grain of both marts is one of the tests that pass.
    result = company.build(
        *WITHOUT_UNIT_TESTS, *carrying("line_item_resource_id", "bill_invoice_id")
    )

    assert result.succeeded, "\n".join(result.failures)
    assert company.rows(costs) == before["costs"]
    assert company.rows(f"{spend} order by all") == before["spend"]
    assert (
        company.one(
            "select count(distinct line_item_resource_id) from marts.enriched_spend"
            " where platform = 'k8s'"
        )
        > 1
    )
