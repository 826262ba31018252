"""What `publish --focus` writes has the shape of FOCUS, and adds up to the ledger."""

import json
import shutil
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from infraspend.builder import BuildResult
from infraspend.loaders.errors import InfraspendError
from infraspend.publishers.focus import FIRST, focus_name, publish_focus
from infraspend.publishers.targets import open_target
from tests.command_line.process import INFRASPEND, run
from tests.end_to_end.companies import Company
from tests.loaders.s3_server import BUCKET, FaultyS3
from tests.workspaces import ROOT

pytestmark = pytest.mark.thorough

SPECIFICATION = yaml.safe_load((ROOT / "tests" / "focus" / "specification.yml").read_text())
TYPES = {
    "string": {"VARCHAR"},
    "json": {"VARCHAR"},
    "datetime": {"TIMESTAMP WITH TIME ZONE"},
    "decimal": {"DECIMAL(38,20)"},
}
FILES = {
    "cost_and_usage": "focus/billing_period=*/*.parquet",
    "billing_period": "focus_billing_period.parquet",
    "invoice_detail": "focus_invoice_detail.parquet",
}


@pytest.fixture(scope="module")
def published(focus_company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fixture company's. Only to be read."""
    to = tmp_path_factory.mktemp("published")
    publish_focus(focus_company.warehouse, to)
    return to


@pytest.fixture(scope="module")
def connection(published: Path, focus_company: Company) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published charges as `charges`, and the warehouse."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{focus_company.warehouse}' as warehouse (read_only)")
        connection.execute(
            "create view charges as"
            f" from read_parquet('{published / FILES['cost_and_usage']}', hive_partitioning = true,"
            " hive_types_autocast = false)"
        )
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def schema(folder: Path, dataset: str) -> dict[str, str]:
    """The columns of a dataset, and their types; the same in each of its files."""
    files = sorted(folder.glob(FILES[dataset]))
    schemas = [
        dict(
            duckdb.execute(
                f"select column_name, column_type from"
                f" (describe from read_parquet('{file}', hive_partitioning = false))"
            ).fetchall()
        )
        for file in files
    ]
    assert files and all(one == schemas[0] for one in schemas)
    return schemas[0]


@pytest.mark.parametrize("version", ["1.2", "1.4"])
@pytest.mark.parametrize("dataset", FILES)
def test_columns_are_those_of_the_specification(
    focus_company: Company, tmp_path: Path, dataset: str, version: str
) -> None:
    publish_focus(focus_company.warehouse, tmp_path, version)

    found = schema(tmp_path, dataset)

    parts = SPECIFICATION[dataset]
    removed = parts.get("provider_names", {})
    required = {
        name: kind
        for part in ("never_null", "mandatory", "unknown")
        for name, kind in parts.get(part, {}).items()
    } | (removed if version == "1.2" else {})
    known = required | parts.get("others", {})
    assert required.keys() <= found.keys()
    own = {name for name in found if name.startswith("x_")}
    assert found.keys() - own <= known.keys()
    assert all(found[name] in TYPES[known[name]] for name in found.keys() - own)
    nulls = duckdb.execute(
        f"select {', '.join(f'count(*) - count({name})' for name in parts['never_null'])}"
        f" from read_parquet('{tmp_path / FILES[dataset]}')"
    ).fetchall()
    assert nulls == [(0,) * len(parts["never_null"])]


def test_months_lie_in_folders_of_their_own(published: Path) -> None:
    assert {path.parent.name for path in published.glob(FILES["cost_and_usage"])} == {
        "billing_period=2026-04",
        "billing_period=2026-05",
    }


def test_each_month_adds_up_to_the_ledger(connection: duckdb.DuckDBPyConnection) -> None:
    here = rows(
        connection,
        "select billing_period, sum(x_TrueCost), sum(BilledCost), sum(EffectiveCost)"
        " from charges group by billing_period order by billing_period",
    )

    assert here == rows(
        connection,
        """
        select billing_period, (
            select sum(spend) from warehouse.marts.enriched_spend as spent
            where spent.billing_period = costs.billing_period
        ), sum(net_unblended_cost), sum(net_amortized_cost)
        from warehouse.marts.true_cost as costs
        group by billing_period
        order by billing_period
        """,
    )
    assert [(month, billed) for month, _, billed, _ in here] == rows(
        connection,
        "select billing_period, sum(amount) from warehouse.marts.invoice_bridge"
        " where bridge_item in ('invoice', 'cast_digits')"
        " group by billing_period order by billing_period",
    )


def test_each_label_has_what_it_spends(connection: duckdb.DuckDBPyConnection) -> None:
    here = rows(
        connection,
        "select billing_period, x_LyftLabel, x_Platform, timezone('UTC', ChargePeriodStart),"
        " sum(x_TrueCost) from charges where x_ChargeClass <> 'commitment_to_come'"
        " group by all order by all",
    )

    assert len(here) > 100
    assert here == rows(
        connection,
        "select billing_period, lyft_label, platform, usage_hour, sum(spend)"
        " from warehouse.marts.enriched_spend group by all order by all",
    )


def test_ratios_of_a_charge_add_up_to_exactly_one(connection: duckdb.DuckDBPyConnection) -> None:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for charge, details in rows(
        connection,
        "select concat(x_ChargeId, ChargeCategory), AllocatedMethodDetails from charges"
        " where AllocatedMethodId is not null",
    ):
        (element,) = json.loads(details, parse_float=Decimal)["Elements"]
        sums[charge] += element["AllocatedRatio"]

    assert len(sums) > 50
    assert set(sums.values()) == {Decimal(1)}
    assert rows(
        connection,
        "select count(*) from charges where (AllocatedMethodId is null)"
        " not in ((AllocatedMethodDetails is null), (AllocatedTags is null))"
        " or (AllocatedMethodDetails is null) <> (AllocatedTags is null)",
    ) == [(0,)]


def test_what_is_free_is_allocated_to_nobody(connection: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        connection,
        "select distinct AllocatedResourceId, AllocatedResourceName, AllocatedTags from charges"
        " where AllocatedMethodId is not null and x_LyftLabel = 'free'",
    ) == [(None, None, '{"lyft_label":"free"}')]
    assert rows(
        connection,
        "select count(*) from charges where AllocatedMethodId is not null and x_LyftLabel <> 'free'"
        " and x_Basis <> 'unattributed' and (AllocatedResourceName is distinct from x_LyftLabel"
        " or AllocatedResourceId <> concat_ws(':', x_Platform, x_SubPlatform, x_LyftLabel))",
    ) == [(0,)]


def test_purchases_cost_nothing_where_they_cover_later_charges(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    purchases = rows(
        connection,
        "select x_ChargeClass, ChargeFrequency, sum(BilledCost) > 0, sum(abs(EffectiveCost))"
        " from charges where ChargeCategory = 'Purchase' group by all order by all",
    )

    assert ("commitment_fee", "Recurring", True, Decimal(0)) in purchases
    assert ("commitment_prepayment", "One-Time", True, Decimal(0)) in purchases
    assert all(frequency != "Usage-Based" for _, frequency, _, _ in purchases)
    # What nobody used of them is a charge of its own.
    assert rows(
        connection,
        "select distinct ChargeCategory, CommitmentDiscountStatus, sum(BilledCost) over ()"
        " from charges where x_ChargeClass = 'commitment_fee' and EffectiveCost <> 0",
    ) == [("Usage", "Unused", Decimal(0))]


def test_commitments_invoices_and_corrections_are_named(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert rows(
        connection,
        "select count(*) from charges where PricingCategory = 'Committed'"
        " and CommitmentDiscountId is null and x_ChargeClass = 'usage'",
    ) == [(0,)]
    assert rows(
        connection,
        "select InvoiceId, sum(BilledCost) from charges where InvoiceId is not null"
        " group by InvoiceId order by InvoiceId",
    ) == rows(
        connection,
        "select invoice_id, sum(billed_cost) from warehouse.intermediate.int_invoices"
        " group by invoice_id order by invoice_id",
    )
    assert set(
        rows(connection, "select distinct ChargeClass, x_ChargeClass = 'refund' from charges")
    ) <= {("Correction", True), (None, False)}


def test_invoice_details_add_up_to_the_invoices(
    published: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    details = f"read_parquet('{published / FILES['invoice_detail']}')"

    assert rows(
        connection,
        f"select InvoiceId, sum(BilledCost) from {details} group by InvoiceId order by InvoiceId",
    ) == rows(
        connection,
        "select invoice_id, cast(amount as decimal(25, 10)) from warehouse.seeds.invoice_totals"
        " order by invoice_id",
    )
    assert rows(
        connection,
        "select count(*) from charges where InvoiceDetailId is not null"
        f" and InvoiceDetailId not in (select InvoiceDetailId from {details})",
    ) == [(0,)]


def test_only_closed_months_are_closed(published: Path) -> None:
    assert duckdb.execute(
        "select cast(timezone('UTC', BillingPeriodStart) as varchar), BillingPeriodStatus"
        f" from read_parquet('{published / FILES['billing_period']}') order by 1"
    ).fetchall() == [("2026-04-01 00:00:00", "Closed"), ("2026-05-01 00:00:00", "Open")]


def test_publishing_again_changes_nothing(focus_company: Company, tmp_path: Path) -> None:
    first = publish_focus(focus_company.warehouse, tmp_path)
    before = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.parquet")}

    assert publish_focus(focus_company.warehouse, tmp_path) == first

    assert {
        path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.parquet")
    } == before


def test_names_are_spelled_as_focus_does() -> None:
    assert focus_name("billed_cost") == "BilledCost"
    assert focus_name("x_true_cost") == "x_TrueCost"


def test_labels_are_data_whatever_they_say_and_accounts_have_their_names(
    focus_company: Company, tmp_path: Path
) -> None:
    company = Company(tmp_path / "company", tmp_path / "company")
    shutil.copytree(focus_company.root, company.root, symlinks=True)
    hostile = ['"},{"AllocatedRatio":9}', "a|b\\", "'; drop table x; --", "emoji \U0001f4b8\n"]
    with duckdb.connect(str(company.warehouse)) as connection:
        labels = connection.execute(
            "select distinct lyft_label from intermediate.int_allocation_levels"
            " where level = 1 and lyft_label <> 'free'"
            " order by 1 limit 4"
        ).fetchall()
        for (label,), other in zip(labels, hostile, strict=False):
            connection.execute(
                "update intermediate.int_allocation_levels set receiving_label = ?"
                " where receiving_label = ?",
                [other, label],
            )
        connection.execute(
            "update intermediate.int_charges_true_cost set lyft_label = ? where lyft_label = 'web'",
            [hostile[0]],
        )
        connection.execute(
            "update raw_aws_cur.line_items set bill_payer_account_name = 'Acme',"
            " line_item_usage_account_name = 'that of ' || line_item_usage_account_id"
        )

    done = company.plain_dbt("--select", "focus_charges", "--vars", "{focus: true}", verb="run")

    assert done.returncode == 0, done.stdout
    found = company.rows(
        "select tags, allocated_tags, allocated_method_details, x_source_label, x_lyft_label"
        " from focus.focus_charges"
    )
    seen = set()
    for tags, allocated_tags, details, source_label, label in found:
        assert json.loads(tags) == {"lyft_label": source_label}
        if allocated_tags is not None:
            assert json.loads(allocated_tags) == {"lyft_label": label}
            (element,) = json.loads(details)["Elements"]
            assert 0 <= element["AllocatedRatio"] <= 1
            seen.add(label)
    assert seen & set(hostile)
    assert company.rows(
        "select billing_account_name, sub_account_name = 'that of ' || sub_account_id,"
        " service_provider_name from focus.focus_charges group by all"
    ) == [("Acme", True, "AWS")]


def test_a_warehouse_without_it_says_how_to_build_it(
    fixture_company: tuple[Company, BuildResult], tmp_path: Path
) -> None:
    company, _ = fixture_company

    with pytest.raises(InfraspendError, match=r"infraspend build --vars 'focus: true'"):
        publish_focus(company.warehouse, tmp_path)

    assert not list(tmp_path.glob("focus*"))


def test_a_killed_run_leaves_the_old_or_the_new(focus_company: Company, tmp_path: Path) -> None:
    to = tmp_path / "published"
    publish_focus(focus_company.warehouse, to, "1.2")
    old, new = _state(to), None
    command = [
        *(INFRASPEND, "publish", "--focus", "--to", to),
        *("--warehouse", focus_company.warehouse),
    ]
    started = time.monotonic()
    subprocess.run(command, capture_output=True, check=True)
    took, new = time.monotonic() - started, _state(to)
    assert old != new
    for part in (0.3, 0.6, 0.8, 0.9, 0.95):
        publish_focus(focus_company.warehouse, to, "1.2")
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(took * part)
        process.send_signal(signal.SIGKILL)
        process.wait()

        state = _state(to)

        assert state.keys() == old.keys()
        assert all(state[dataset] in (old[dataset], new[dataset]) for dataset in state)

    subprocess.run(command, capture_output=True, check=True)
    assert _state(to) == new
    assert not list(to.glob(".publishing-*"))


def _state(to: Path) -> dict[str, tuple[object, ...]]:
    """What each dataset consists of: its columns, the same in each of its files, and its rows."""
    return {
        dataset: (
            tuple(schema(to, dataset)),
            *duckdb.execute(f"select count(*) from read_parquet('{to / pattern}')").fetchall(),
        )
        for dataset, pattern in FILES.items()
    }


def test_a_bucket_has_the_same(s3: FaultyS3, focus_company: Company) -> None:
    to = f"s3://{BUCKET}/for people"
    expected = {
        "for people/.infraspend-focus.txt",
        "for people/focus/billing_period=2026-04/data_0.parquet",
        "for people/focus/billing_period=2026-05/data_0.parquet",
        "for people/focus_billing_period.parquet",
        "for people/focus_invoice_detail.parquet",
    }
    for _ in range(2):
        with open_target(to, "focus", FIRST) as folder:
            publish_focus(focus_company.warehouse, folder)

        found = s3.client.list_objects_v2(Bucket=BUCKET)["Contents"]
        assert {entry["Key"] for entry in found} == expected


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--focus", "--focus-version", "1.9"), "1.4"),
        (("--focus-version", "1.2"), "goes with --focus"),
    ],
)
def test_wrong_usage(tmp_path: Path, options: tuple[str, ...], says: str) -> None:
    done = run("publish", *options, "--to", tmp_path, cwd=tmp_path)

    assert done.returncode == 2
    assert says in done.stderr
