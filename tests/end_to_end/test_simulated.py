"""The simulated company: every charge, every share and every dollar equals the truth, exactly."""

import json
import shutil
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from infraspend.loaders import aws_cur
from infraspend.publishers.dashboard.charts import ask, read_charts
from infraspend.publishers.explanation import explain
from infraspend.simulation import SimulationResult, simulate
from tests.end_to_end.companies import ROOT, WITHOUT_UNIT_TESTS, Company, built, company_in
from tests.end_to_end.truths import falsehoods

pytestmark = pytest.mark.thorough

# A group of subsidiaries; a company with a history that is billed by the day, of which AWS restated
# a month; and a company with two billing periods, the first one delivered twice.
SIMULATIONS = [
    pytest.param(
        {"days": 2, "seed": 2019, "scale": 3, "operations": 2},
        id="a-group",
        marks=pytest.mark.thorough,
    ),
    pytest.param({"days": 2, "months": 3, "seed": 7, "scale": 0.05}, id="a-history"),
    pytest.param({"days": 22, "seed": 7, "scale": 0.05}, id="two-periods"),
]


@pytest.fixture(scope="module", params=SIMULATIONS)
def simulated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, project: Path
) -> tuple[Company, SimulationResult]:
    company = company_in(tmp_path_factory.mktemp("simulated"), project)
    simulation = simulate(company.root, **request.param)
    if simulation.seeds != company.seeds:
        shutil.copytree(simulation.seeds, company.seeds)
    if simulation.earlier.exists():
        aws_cur.load(company.warehouse, str(simulation.earlier))
    return built(company, *WITHOUT_UNIT_TESTS), simulation


def test_every_charge_share_and_dollar_is_true(
    simulated: tuple[Company, SimulationResult],
) -> None:
    company, simulation = simulated
    assert falsehoods(company, simulation.truth, "family") == {}


def test_every_subsidiary_spends_what_the_first_one_does(
    simulated: tuple[Company, SimulationResult],
) -> None:
    company, simulation = simulated
    record = json.loads((simulation.truth.parent / "simulation.json").read_text())
    count = max(1, int(record["arguments"]["scale"]))
    spend = "usage_hour, platform, cost_model, product, charge_class, basis"
    assert (
        company.rows(f"""
            with payers as (
                select {spend}, payer_account_id, sum(spend) as spend
                from marts.enriched_spend group by all
            )
            select {spend} from payers group by all
            having count(*) <> {count} or min(spend) <> max(spend)
        """)
        == []
    )


def test_what_was_landed_and_split_adds_up_to_the_totals(
    simulated: tuple[Company, SimulationResult],
) -> None:
    company, simulation = simulated
    totals = json.loads((simulation.truth / "totals.json").read_text())
    assert company.rows("""
        select bridge.billing_period, bridge.payer_account_id, bridge.amount, spend.amount
        from (
            from marts.invoice_bridge where bridge_item = 'invoice'
        ) as bridge
        inner join (
            select billing_period, payer_account_id, sum(spend) as amount
            from marts.enriched_spend group by all
        ) as spend using (billing_period, payer_account_id)
        order by all
    """) == sorted(
        (
            *(total["billing_period"], total["payer_account_id"]),
            *(Decimal(total[name]) for name in ("invoice", "true_cost")),
        )
        for total in totals
    )


def test_what_aws_restated_and_what_was_lost_stand_in_the_marts(
    simulated: tuple[Company, SimulationResult],
) -> None:
    company, simulation = simulated
    is_restated = simulation.earlier.exists()
    assert company.rows("select distinct billing_period from marts.restatements") == (
        [("2026-08",)] if is_restated else []
    )
    # AWS had lacked the tags of one service, and half of what S3 cost.
    assert {
        label
        for (label,) in company.rows(
            "select lyft_label from marts.restatements where unblended_cost_change <> 0"
        )
    } >= ({"onboarding", "unlabeled", "documents"} if is_restated else set())
    lost = datetime(2026, 11, 12, 9)
    assert company.rows("""
        select sub_platform, usage_date, expected - measured from marts.platform_health
        where platform = 'k8s' and measured < expected
    """) == ([("core-0", lost.date(), 6)] if simulation.first_hour <= lost else [])


def test_as_applied_it_is_true_as_well(
    simulated: tuple[Company, SimulationResult], tmp_path: Path
) -> None:
    company, simulation = simulated
    applied = Company(tmp_path, company.project)
    applied.warehouse.parent.mkdir()
    shutil.copy(company.warehouse, applied.warehouse)
    shutil.copytree(company.seeds, applied.seeds)
    result = applied.build(
        *WITHOUT_UNIT_TESTS,
        "--vars",
        "true_cost_pooling: none",
        "--select",
        "int_charges_true_cost+",
    )
    assert result.succeeded, result.failures
    assert falsehoods(applied, simulation.truth, "none") == {}


def test_what_every_label_spent_on_a_day_is_explained(
    simulated: tuple[Company, SimulationResult],
) -> None:
    company, _ = simulated
    with duckdb.connect(company.warehouse, read_only=True) as connection:
        spend = connection.execute("""
            select lyft_label, usage_hour::date as usage_date, sum(spend)
            from marts.enriched_spend
            where not is_period_charge and usage_hour::date = (
                select max(usage_hour)::date from marts.enriched_spend where not is_period_charge
            )
            group by all order by all
        """).fetchall()
    assert len(spend) > 20
    levels = set()
    for label, day, amount in spend:
        explanation = explain(company.warehouse, label, day)
        assert explanation.spend == amount
        assert sum(reason.spend for reason in explanation.reasons) == amount
        levels |= {reason.way.count(" > ") for reason in explanation.reasons}
        # Whatever was split by what was seen says by which usage.
        assert all(
            reason.usage
            for reason in explanation.reasons
            if reason.basis in ("measured", "pushed", "ready_made")
            and label not in (reason.label.partition(" ")[0], "lyftlearn")
        )
    assert levels >= {0, 1, 2}


def test_lyftlearn_is_drilled_into_by_the_labels_of_kubeflow(
    simulated: tuple[Company, SimulationResult],
) -> None:
    company, _ = simulated
    kinds = ("notebook", "inference_service", "pipeline_run", "experiment", "trial")
    of_lyftlearn = (
        "from marts.workload_spend where sub_platform = 'ml-0' and lyft_label = 'lyftlearn'"
    )
    found = {
        kind: company.rows(
            f"select distinct split_part({kind}, '-', 1), min(spend) > 0 {of_lyftlearn}"
            f" and {kind} is not null group by all"
        )
        for kind in kinds
    }
    assert found == {
        "notebook": [("research", True)],
        "inference_service": [("ride", True)],
        "pipeline_run": [("ride", True)],
        "experiment": [("ride", True)],
        "trial": [("train", True)],
    }


def test_the_page_of_machine_learning_shows_what_the_mart_says(
    simulated: tuple[Company, SimulationResult],
) -> None:
    company, _ = simulated
    with duckdb.connect(company.warehouse, read_only=True) as connection:
        marts = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'marts'"
        ).fetchall()
        charts = {
            chart.name: ask(connection, chart)
            for chart in read_charts(ROOT, (name for (name,) in marts))
            if chart.page == "machine_learning"
        }
    assert charts.keys() == {"ml_total", "ml_days", "ml_users", "ml_work", "ml_trials"}
    assert all(chart.rows for chart in charts.values())
    ((spend,),) = company.rows(
        "select sum(spend) from marts.workload_spend"
        " where coalesce(notebook, inference_service, pipeline_run, experiment, trial) is not null"
        " and usage_date in"
        " (select date_day from marts.time_spine where is_complete and days_back <= 30)"
    )
    for name in ("ml_total", "ml_days", "ml_work", "ml_trials"):
        at = charts[name].columns.index("spend")
        assert sum(row[at] for row in charts[name].rows) == spend > 0
    at = charts["ml_days"].columns.index("kind")
    kinds = {row[at] for row in charts["ml_days"].rows}
    assert kinds == {"notebook", "inference service", "experiment", "pipeline run"}


def test_the_comparison_is_of_something(
    simulated: tuple[Company, SimulationResult], tmp_path: Path
) -> None:
    company, simulation = simulated
    broken = tmp_path / "warehouse" / "infraspend.duckdb"
    broken.parent.mkdir()
    shutil.copy(company.warehouse, broken)
    with duckdb.connect(broken) as connection:
        for change in (
            "update marts.true_cost set true_cost = true_cost + 0.0000000001"
            " where rowid = (select min(rowid) from marts.true_cost)",
            "update marts.attribution_schedule set proportion = proportion - 0.0000000001"
            " where rowid = (select max(rowid) from marts.attribution_schedule)",
            "delete from marts.enriched_spend where rowid ="
            " (select min(rowid) from marts.enriched_spend where spend <> 0)",
            "update marts.unallocated_capacity set free_spend = free_spend + 0.0000000001"
            " where rowid = (select min(rowid) from marts.unallocated_capacity)",
        ):
            connection.execute(change)
    found = falsehoods(Company(tmp_path, company.project), simulation.truth, "family")
    assert len(found) == 4
