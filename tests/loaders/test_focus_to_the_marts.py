"""Bills in FOCUS in the marts, to the last digit: alone, and beside a Cost and Usage Report."""

import io
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.console import Console

from infraspend.builder import BuildResult
from infraspend.loaders import focus
from infraspend.publishers.answers import Answers
from infraspend.publishers.dashboard import write_dashboard
from infraspend.publishers.explanation import explain, print_explanation
from infraspend.publishers.marts import publish as publish_marts
from infraspend.publishers.notifying import notify
from infraspend.publishers.summary import print_summary
from tests.end_to_end.companies import TEAM, WITHOUT_UNIT_TESTS, Company, company_in
from tests.loaders.focus_bills import Charge, charge, write
from tests.workspaces import ROOT

pytestmark = pytest.mark.thorough

EURO = {"BillingCurrency": "EUR"}
NOVEMBER = EURO | {
    "BillingPeriodStart": "2026-11-01T00:00:00Z",
    "BillingPeriodEnd": "2026-12-01T00:00:00Z",
    "ChargePeriodStart": "2026-11-01T00:00:00Z",
    "ChargePeriodEnd": "2026-11-01T01:00:00Z",
}
PLATFORM = {
    "schedule_source": "pushed",
    "cost_model": "usage",
    "owner": TEAM["team"],
    "free_policy": "label",
}
SEEDS: dict[str, list[dict[str, str]]] = {
    "teams": [TEAM],
    "label_rules": [
        {
            "rule_order": "10",
            "match_on": "tag",
            "match_key": "team",
            "match_type": "present",
            "lyft_label": "{value}",
        },
        {
            "rule_order": "20",
            "match_on": "account",
            "match_type": "equals",
            "match_value": "/subscriptions/data",
            "lyft_label": "data",
        },
        {
            "rule_order": "30",
            "match_on": "resource_id",
            "match_type": "regex",
            "match_value": "^/db/",
            "lyft_label": "orders",
        },
        {
            "rule_order": "40",
            "match_on": "product",
            "match_type": "equals",
            "match_value": "gpt-5",
            "lyft_label": "llm",
        },
    ],
    "platforms": [
        PLATFORM | {"platform": "aks", "sub_platform": "prod"},
        PLATFORM | {"platform": "llm", "sub_platform": "gateway"},
    ],
    "platform_resources": [
        {"platform": "aks", "sub_platform": "prod", "lyft_label": "aks"},
        {"platform": "llm", "sub_platform": "gateway", "product": "gpt-5"},
    ],
}


def hour(day: int, of_day: int) -> dict[str, str]:
    """The charge period of an hour of October."""
    starts = datetime(2026, 10, day, of_day)
    return {
        "ChargePeriodStart": f"{starts:%Y-%m-%dT%H:%M:%SZ}",
        "ChargePeriodEnd": f"{starts + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    }


RESERVATION = {
    "CommitmentDiscountCategory": "Usage",
    "CommitmentDiscountId": "reservation-1",
    "CommitmentDiscountName": "D4 for a year",
    "CommitmentDiscountType": "Reservation",
    "InvoiceId": "G-1",
    "PricingCategory": "Committed",
}
PLAN = RESERVATION | {
    "CommitmentDiscountCategory": "Spend",
    "CommitmentDiscountId": "plan-1",
    "CommitmentDiscountName": None,
    "CommitmentDiscountType": "Savings Plan",
}


def azure() -> list[Charge]:
    """Eleven charges of every kind; EffectiveCost adds up to 11.6700000002."""
    untagged: dict[str, str | None] = {"Tags": None}
    used = {"CommitmentDiscountStatus": "Used", "BilledCost": "0"}
    unused = {"CommitmentDiscountStatus": "Unused", "BilledCost": "0"}
    return [
        charge("0.1000000002", Tags='{"team": "aks"}', **hour(1, 0)),
        charge("1", Tags='{"team": "aks"}', **hour(1, 1)),
        # Of its commitment the bill says nothing but the id, and of its price nothing.
        charge(
            "0.25",
            SubAccountId="/subscriptions/data",
            CommitmentDiscountId="unknown-1",
            PricingCategory=None,
            **untagged,
        ),
        charge("0.5", ResourceId="/db/orders", PricingCategory="Other", **untagged),
        charge("2", **RESERVATION | used),
        charge("0.5", **PLAN | used),
        charge("5", **RESERVATION | unused),
        charge(
            "0",
            ChargeCategory="Purchase",
            ConsumedQuantity=None,
            **RESERVATION | untagged | {"BilledCost": "10", "PricingCategory": "Standard"},
        ),
        charge(
            "3.34",
            ChargeCategory="Tax",
            InvoiceId="G-2",
            PricingCategory=None,
            ChargePeriodEnd="2026-11-01T00:00:00Z",
            **untagged,
        ),
        charge("-1", ChargeCategory="Credit", ConsumedQuantity=None, PricingCategory=None),
        # For an hour of the month before.
        charge(
            "-0.02",
            ChargeClass="Correction",
            ConsumedQuantity="-1",
            InvoiceId="G-1",
            ChargePeriodStart="2026-09-30T23:00:00Z",
            ChargePeriodEnd="2026-10-01T00:00:00Z",
        ),
    ]


def llm() -> list[Charge]:
    """Two days of a gateway of language models, which bills by day and in more digits."""
    return [
        charge(
            cost,
            BillingAccountId="gateway",
            ServiceProviderName="LiteLLM",
            HostProviderName="OpenAI",
            ServiceName="gpt-5",
            SubAccountId=None,
            Tags=None,
            ResourceId=None,
            ChargePeriodStart=f"2026-10-{day:02}T00:00:00Z",
            ChargePeriodEnd=end,
        )
        for cost, day, end in (
            ("0.80000000004", 1, "2026-10-02T00:00:00Z"),
            ("4", 31, "2026-11-01T00:00:00Z"),
        )
    ]


def publish(company: Company, platform: str, sub_platform: str, rows: Sequence[str]) -> None:
    """Publishes the usage of a platform."""
    file = company.platforms / platform / "usage.csv"
    file.parent.mkdir(parents=True)
    lines = [
        f"{when},{platform},{sub_platform},{label},{usage},units"
        for when, label, usage in (row.split() for row in rows)
    ]
    file.write_text(
        "\n".join(["usage_hour,platform,sub_platform,lyft_label,usage,unit", *lines, ""])
    )


def load(company: Company) -> None:
    """Lands all that was delivered."""
    company.load()
    focus.load(company.warehouse, str(company.root / "focus"))


def build(company: Company) -> BuildResult:
    result = company.build(*WITHOUT_UNIT_TESTS, "--vars", "{focus: true}")
    assert result.succeeded, "\n".join(result.failures)
    return result


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Company:
    """A company without a Cost and Usage Report: its bills are all in FOCUS, and in euro."""
    company = company_in(tmp_path_factory.mktemp("focus") / "company", project)
    written = datetime(2026, 11, 2)
    bill = [one | EURO for one in map(dict, azure())]
    write(company.root / "focus/azure/bill.csv.gz", bill, version="1.0", written=written)
    write(
        company.root / "focus/llm/bill.parquet",
        [one | EURO for one in map(dict, llm())],
        version="1.4",
        kinds={"EffectiveCost": "double", "BilledCost": "decimal(38, 18)"},
        written=written,
    )
    publish(
        company,
        *("aks", "prod"),
        [
            *("2026-10-01T00:00:00Z api 3", "2026-10-01T00:00:00Z web 1"),
            *("2026-10-01T01:00:00Z api 1", "2026-10-01T01:00:00Z web 2"),
        ],
    )
    publish(
        company,
        *("llm", "gateway"),
        [
            f"2026-10-{day:02}T{of_day:02}:00:00Z {label} {tokens}"
            for day in (1, 31)
            for of_day in range(24)
            for label, tokens in (("chat", "1"), ("search", "3"))
        ],
    )
    company.declare(**SEEDS)
    load(company)
    build(company)
    return company


def test_effective_costs_are_true_costs_by_account_and_label(company: Company) -> None:
    assert company.rows(
        "select billing_period, payer_account_id, sum(true_cost), sum(net_unblended_cost)"
        " from marts.true_cost group by all order by all"
    ) == [
        ("2026-10", "/billing/acme", Decimal("11.6700000002"), Decimal("14.1700000002")),
        # Each cost is rounded to ten digits once, when it lands.
        ("2026-10", "gateway", Decimal("4.8000000000"), Decimal("4.8000000000")),
    ]
    assert company.rows(
        "select lyft_label, label_rule, charge_class, pricing_model, sum(true_cost)"
        " from marts.true_cost where payer_account_id = '/billing/acme' group by all order by all"
    ) == [
        ("_unused_ri", None, "unused_commitment", "committed", Decimal(5)),
        ("aks", 10, "usage", "on_demand", Decimal("1.1000000002")),
        ("api", 10, "credit", "none", Decimal(-1)),
        ("api", 10, "usage", "committed", Decimal("2.5")),
        ("api", 10, "usage", "on_demand", Decimal("-0.02")),
        ("data", 20, "usage", "on_demand", Decimal("0.25")),
        ("orders", 30, "usage", "on_demand", Decimal("0.5")),
        ("unlabeled", None, "commitment_prepayment", "none", Decimal(0)),
        ("unlabeled", None, "tax", "none", Decimal("3.34")),
    ]


def test_a_cluster_and_a_gateway_are_split_by_their_usage(company: Company) -> None:
    """An hour by 3:1 and one by 1:2, and a day by 1:3, each to the last digit."""
    assert company.rows(
        "select platform, lyft_label, usage_hour, sum(spend) from marts.enriched_spend"
        " where platform is not null group by all order by all"
    ) == [
        ("aks", "api", datetime(2026, 10, 1, 0), Decimal("0.07500000015")),
        ("aks", "api", datetime(2026, 10, 1, 1), Decimal("0.3333333333")),
        ("aks", "web", datetime(2026, 10, 1, 0), Decimal("0.02500000005")),
        ("aks", "web", datetime(2026, 10, 1, 1), Decimal("0.6666666667")),
        ("llm", "chat", datetime(2026, 10, 1), Decimal("0.2")),
        ("llm", "chat", datetime(2026, 10, 31), Decimal(1)),
        ("llm", "search", datetime(2026, 10, 1), Decimal("0.6")),
        ("llm", "search", datetime(2026, 10, 31), Decimal(3)),
    ]
    assert company.rows(
        "select lyft_label, sum(spend) from marts.daily_spend group by all order by all"
    ) == [
        ("_unused_ri", Decimal(5)),
        # 0.07500000015 + 0.3333333333 - 1 + 2.5 - 0.02
        ("api", Decimal("1.88833333345")),
        ("chat", Decimal("1.2")),
        ("data", Decimal("0.25")),
        ("orders", Decimal("0.5")),
        ("search", Decimal("3.6")),
        ("unlabeled", Decimal("3.34")),
        ("web", Decimal("0.69166666675")),
    ]


def test_the_bridge_from_billed_to_effective_cost_closes(company: Company) -> None:
    assert company.rows(
        "select provider, bridge_item, charge_category, commitment_discount_status, amount"
        " from marts.focus_bridge where payer_account_id = '/billing/acme'"
        " order by item_order, charge_category, commitment_discount_status nulls first"
    ) == [
        ("Microsoft", "billed_cost", None, None, Decimal("14.1700000002")),
        ("Microsoft", "cast_digits", None, None, Decimal(0)),
        ("Microsoft", "moved", "Credit", None, Decimal(0)),
        ("Microsoft", "moved", "Purchase", None, Decimal(-10)),
        ("Microsoft", "moved", "Tax", None, Decimal(0)),
        ("Microsoft", "moved", "Usage", None, Decimal(0)),
        ("Microsoft", "moved", "Usage", "Unused", Decimal(5)),
        ("Microsoft", "moved", "Usage", "Used", Decimal("2.5")),
        ("Microsoft", "unexplained", None, None, Decimal(0)),
        ("Microsoft", "true_cost", None, None, Decimal("11.6700000002")),
    ]
    assert company.rows(
        "select bridge_item, amount from marts.focus_bridge where provider = 'LiteLLM'"
        " and amount <> 0 order by item_order"
    ) == [
        ("billed_cost", Decimal("4.80000000004")),
        ("cast_digits", Decimal("-0.00000000004")),
        ("true_cost", Decimal("4.8")),
    ]


def test_in_focus_datasets_they_keep_their_provider_and_their_names(company: Company) -> None:
    assert company.rows(
        "select service_provider_name, invoice_issuer_name, host_provider_name,"
        " billing_account_name, sub_account_name, sub_account_type, sum(effective_cost),"
        " sum(x_true_cost) from focus.focus_charges group by all order by all"
    ) == [
        (
            *("LiteLLM", "LiteLLM", "OpenAI", "Acme", None, None),
            *(Decimal("4.8"), Decimal("4.8")),
        ),
        (
            *("Microsoft", "Microsoft", "Microsoft", "Acme", None, None),
            *(Decimal("11.6700000002"), Decimal("11.6700000002")),
        ),
    ]


def test_in_focus_datasets_they_keep_their_currency_and_cost_what_they_do_without_commitments(
    company: Company,
) -> None:
    assert company.rows(
        "select billing_currency, pricing_unit, contracted_cost, list_cost, count(*)"
        " from focus.focus_charges where pricing_category = 'Committed' group by all order by all"
    ) == [
        ("EUR", "EUR", Decimal(0), Decimal(0), 1),
        ("EUR", "Units", Decimal("0.5"), Decimal("0.5"), 1),
        ("EUR", "Units", Decimal(2), Decimal(2), 1),
    ]
    assert company.rows("select distinct billing_currency from focus.focus_charges") == [("EUR",)]


def test_in_focus_datasets_they_keep_invoices_commitments_corrections_and_prices(
    company: Company,
) -> None:
    """To the last digit, and what the bill does not say stays NULL."""
    said = (
        *("ChargeCategory", "ChargeClass", "InvoiceId", "PricingCategory"),
        *("CommitmentDiscountId", "CommitmentDiscountName", "CommitmentDiscountCategory"),
        *("CommitmentDiscountType", "CommitmentDiscountStatus"),
    )
    costs: Counter[tuple[str | None, ...]] = Counter()
    for one in azure():
        costs[tuple(one.get(name) for name in said)] += Decimal(one["EffectiveCost"] or 0)
    columns = ", ".join(re.sub("(?<!^)(?=[A-Z])", "_", name).lower() for name in said)
    assert company.rows(
        f"select {columns}, sum(effective_cost) from focus.focus_charges"
        " where service_provider_name = 'Microsoft' group by all order by all nulls first"
    ) == sorted(
        ((*key, cost) for key, cost in costs.items()),
        key=lambda row: [(value is not None, value or "") for value in row[:-1]],
    )
    # The dataset Invoice Detail is of AWS's invoices.
    assert company.one("select count(invoice_detail_id) from focus.focus_charges") == 0
    assert company.one("select count(*) from focus.focus_invoice_details") == 0


def test_the_proof_for_assistants_is_about_bills_in_focus_too(
    company: Company, tmp_path: Path
) -> None:
    published = publish_marts(company.warehouse, tmp_path, project=ROOT)
    bridge = Answers(published.database, most_rows=10, most_seconds=60).health()["proof"]["bridge"]
    assert (bridge["invoice"], bridge["true_cost"]) == ("18.97000000024", "16.4700000002")
    assert (bridge["unexplained"], bridge["spend_less_true_cost"]) == ("0", "0")
    assert bridge["payers"] == 2
    # Nothing says whether they are complete.
    assert bridge["is_complete"] is None


def test_whoever_reads_the_marts_is_shown_the_currency_of_the_bill(
    company: Company, tmp_path: Path
) -> None:
    published = publish_marts(company.warehouse, tmp_path, project=ROOT)
    site = write_dashboard(tmp_path, tmp_path / "dashboard", ROOT).index.parent
    pages = [
        re.sub("<pre.*?</pre>", "", path.read_text(), flags=re.DOTALL)
        for path in site.rglob("*.html")
    ]
    assert all("Amounts are in EUR" in page and "$" not in page for page in pages)
    assert any("\u20ac16.47" in page for page in pages)
    assert 'data-sign="\u20ac"' in pages[0]
    script = (site / "assets" / "site.js").read_text()
    assert "'$'" not in script and "USD" not in script

    console = Console(file=io.StringIO(), width=120)
    found = explain(published.database, "chat", date(2026, 10, 31))
    print_explanation(found, console, 10)
    print_summary(published, console)
    said = console.file.getvalue()
    assert "What chat spent on 2026-10-31, in EUR" in said
    assert "the last 30 days of the bill, in EUR" in said
    assert "$" not in said and "dollar" not in said

    answers = Answers(published.database, most_rows=1000, most_seconds=60)
    assert answers.query_metric("spend")["proof"]["unit"] == "EUR"
    assert answers.explain_spend("chat", date(2026, 10, 31))["proof"]["unit"] == "EUR"
    units = {row["unit"] for row in answers.list_metrics()["rows"]}
    assert {"EUR", "EUR per core-hour"} <= units
    assert not any("dollar" in unit or "bill" in unit for unit in units)
    with duckdb.connect(str(published.database), read_only=True) as connection:
        assert connection.execute(
            "select distinct currency from marts.build_inputs"
        ).fetchall() == [("EUR",)]
        comments = connection.execute(
            "select comment from duckdb_columns() union select comment from duckdb_tables()"
        ).fetchall()
    assert not [text for (text,) in comments if text and "US dollar" in text]

    said = notify(
        tmp_path, company.warehouse, ROOT, tmp_path / "none.yml", digest="day", dry_run=True
    ).texts
    assert any("\u20ac" in text for text in said)
    assert not any("$" in text for text in said)


def test_what_goes_into_a_stage_comes_out_of_it(company: Company) -> None:
    assert company.rows(
        "select stage, rows_in, spend_in, spend_out from marts.pipeline_flow"
        " where usage_date = '2026-10-31' and stage <> 'published' order by stage"
    ) == [
        ("bill", 1, Decimal(4), Decimal(4)),
        ("enriched_spend", 1, Decimal(4), Decimal(4)),
        ("true_cost", 1, Decimal(4), Decimal(4)),
    ]


def test_a_delivery_rebuilds_its_month_and_no_other(company: Company, tmp_path: Path) -> None:
    shutil.copytree(company.root, tmp_path / "company", symlinks=True)
    ours = Company(tmp_path / "company", tmp_path / "company")
    october = company.rows("from marts.true_cost where billing_period = '2026-10' order by all")
    for cost, written in (("7", datetime(2026, 12, 2)), ("8", datetime(2026, 12, 3))):
        file = ours.root / "focus/november/bill.csv"
        write(file, [charge(cost, **NOVEMBER)], written=written)
        load(ours)
        build(ours)
        assert ours.rows("select month from pipeline.refresh") == [("2026-11",)]
        assert ours.rows(
            "select sum(true_cost) from marts.true_cost where billing_period = '2026-11'"
        ) == [(Decimal(cost),)]
    assert ours.rows("from marts.true_cost where billing_period = '2026-10' order by all") == (
        october
    )


AWS_ROWS = {
    "true_cost": "select * from marts.true_cost where lyft_label <> 'azure-only'",
    "invoice_bridge": "select * from marts.invoice_bridge",
    "cost_explorer_bridge": "select * from marts.cost_explorer_bridge",
    "commitment_usage": "select * from marts.commitment_usage",
    "unallocated_capacity": "select * from marts.unallocated_capacity",
    "attribution_schedule": "select * from marts.attribution_schedule",
    "enriched_spend": "select * from marts.enriched_spend where lyft_label <> 'azure-only'",
    "daily_spend": "select * from marts.daily_spend where lyft_label <> 'azure-only'",
}


def test_a_report_beside_it_does_not_change_by_a_digit(
    fixture_company: tuple[Company, BuildResult], tmp_path: Path
) -> None:
    """A month that the report and AWS's FOCUS export have is the report's, and both are named.

    What another provider bills to an account of that name is another bill.
    """
    original, result = fixture_company
    assert result.succeeded, "\n".join(result.failures)
    payer = original.one("select min(payer_account_id) from marts.true_cost")
    shutil.copytree(original.root, tmp_path / "company", symlinks=True)
    ours = Company(tmp_path / "company", tmp_path / "company")
    rule = '{"user_service": "azure-only"}'
    # In an hour that the report has usage in: an earlier one would open the platforms' calendar.
    first = original.one(
        "select min(usage_first_hour) from intermediate.int_period_months"
        " where billing_period = '2026-04' and usage_month = '2026-04'"
    )
    april: dict[str, Any] = {
        "BillingPeriodStart": "2026-04-01T00:00:00Z",
        "BillingPeriodEnd": "2026-05-01T00:00:00Z",
        "ChargePeriodStart": str(first),
        "ChargePeriodEnd": str(first + timedelta(hours=1)),
        "Tags": rule,
    }
    write(ours.root / "focus/azure/bill.csv", [charge("1.25", **april)])
    aws = charge(
        "99", ServiceProviderName="AWS", BillingAccountId=payer, **april, SubAccountId=payer
    )
    write(ours.root / "focus/aws/bill.csv", [aws])
    gateway = {"ServiceProviderName": "LiteLLM", "BillingAccountId": payer, "SubAccountId": None}
    write(ours.root / "focus/llm/bill.csv", [charge("2.5", **april | gateway)])
    focus.load(ours.warehouse, str(ours.root / "focus"))
    warnings = build(ours).warnings

    (named,) = [line for line in warnings if "months_are_on_one_bill" in line]
    assert "focus/aws" in named
    for mart, sql in AWS_ROWS.items():
        query = f"from ({sql}) order by all"
        assert ours.rows(query) == original.rows(query), mart
    assert ours.rows(
        "select service_provider_name, billing_account_id, sum(effective_cost)"
        " from focus.focus_charges where x_lyft_label = 'azure-only' group by all order by all"
    ) == [
        ("LiteLLM", payer, Decimal("2.5")),
        ("Microsoft", "/billing/acme", Decimal("1.25")),
    ]
    assert ours.rows(
        "select payer_account_id, provider, amount from marts.focus_bridge"
        " where bridge_item = 'true_cost' order by all"
    ) == [("/billing/acme", "Microsoft", Decimal("1.25")), (payer, "LiteLLM", Decimal("2.5"))]
    moment = datetime.now(UTC).replace(tzinfo=None)
    assert ours.one("select max(landed_at) from raw_focus.statements") <= moment
