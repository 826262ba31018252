"""A group is its company many times over, under other names that are changed everywhere."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from infraspend.builder.seeds import check_seeds
from infraspend.loaders.errors import InfraspendError
from infraspend.simulation import group, simulate
from infraspend.simulation.names import Names
from infraspend.simulation.plan.company import ACCOUNT_NAMES, PAYER
from infraspend.simulation.run import SEEDS

pytestmark = pytest.mark.thorough

COUNT = 3
SHARED = frozenset({"ci", "free", "kube-system"})
EVERYTHING = {
    "bill": "bill/**/*.parquet",
    **{
        table: f"kubernetes/*/*/{table}.parquet"
        for table in ("container_hours", "node_hours", "volume_hours", "pods", "scrape_hours")
    },
    **{
        table: f"truth/{table}.parquet"
        for table in ("true_cost", "schedule", "enriched_spend", "unallocated_capacity")
    },
}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("company")
    simulate(out, days=2)
    return out


@pytest.fixture(scope="module")
def subsidiaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("group")
    simulate(out, days=2, scale=COUNT)
    return out


@pytest.mark.parametrize(
    ("kind", "name", "other"),
    [
        (Names.label, "pricing", "pricing-ab"),
        (Names.label, " Warehouse ", " Warehouse-ab "),
        (Names.label, "CI", "CI"),
        (Names.namespace, "rider-web-canary", "rider-web-ab-canary"),
        (Names.namespace, "kube-system", "kube-system"),
        (Names.account, "012345678901", "012345670001"),
        (Names.account, "used by 111122223333", "used by 111122220001"),
        (Names.resource, "", ""),
        (Names.resource, "rider-web-files", "rider-web-files-ab"),
        (Names.resource, "demo-feature-store-data", "demo-feature-store-ab-data"),
        (
            Names.resource,
            "arn:aws:dynamodb:us-east-1:012345678901:table/eta.state",
            "arn:aws:dynamodb:us-east-1:012345670001:table/eta-ab.state",
        ),
        (
            Names.resource,
            "arn:aws:sqs:us-east-1:012345678901:onboarding",
            "arn:aws:sqs:us-east-1:012345670001:onboarding",
        ),
        (
            Names.path,
            "k8s: ml-0 (all, weighted) > lyftlearn: training (all, usage)",
            "k8s: ml-0-ab (all, weighted) > lyftlearn: training-ab (all, usage)",
        ),
    ],
)
def test_a_subsidiary_s_name_is_the_company_s_with_its_code(
    kind: Callable[[Names, str], str], name: str, other: str
) -> None:
    assert kind(Names(0, SHARED), name) == name
    assert kind(Names(1, SHARED), name) == other


def test_an_id_stays_the_same_wherever_it_stands() -> None:
    names = Names(1, SHARED)
    machine = names.resource("i-0123456789abcdef0")
    assert machine != "i-0123456789abcdef0" and len(machine) == len("i-0123456789abcdef0")
    assert names.resource("aws:///us-east-1a/i-0123456789abcdef0").endswith(f"/{machine}")
    assert names.tag("user_name", "legacy-routing-7") == "legacy-routing-ab-7"
    assert names.tag("user_team", "maps") == "maps"


@pytest.mark.parametrize("table", EVERYTHING)
def test_the_first_subsidiary_is_the_company_itself(
    company: Path, subsidiaries: Path, table: str
) -> None:
    ((rows, different),) = duckdb.sql(f"""
        with one as (from read_parquet('{company}/{EVERYTHING[table]}', hive_partitioning = false)),
        all_of_them as (
            from read_parquet('{subsidiaries}/{EVERYTHING[table]}', hive_partitioning = false)
        )
        select
            (select count(*) from all_of_them) / (select count(*) from one),
            (select count(*) from (from one except all from all_of_them))
    """).fetchall()
    assert (rows, different) == (COUNT, 0)


def _shared(subsidiaries: Path, table: str, column: str, owner: str) -> list[tuple[str]]:
    """The values of a column that more than one owner has."""
    return duckdb.sql(f"""
        select {column}
        from read_parquet('{subsidiaries}/{EVERYTHING[table]}', hive_partitioning = false)
        where {column} is not null
        group by {column} having count(distinct {owner}) > 1
    """).fetchall()


@pytest.mark.parametrize(
    ("table", "owner", "columns"),
    [
        (
            "bill",
            "bill_payer_account_id",
            "identity_line_item_id line_item_resource_id line_item_usage_account_id"
            " line_item_usage_account_name reservation_reservation_a_r_n"
            " reservation_subscription_id savings_plan_savings_plan_a_r_n",
        ),
        ("container_hours", "cluster", "uid"),
        ("node_hours", "cluster", "provider_id"),
        ("volume_hours", "cluster", "volume_id"),
        ("pods", "cluster", "uid"),
    ],
)
def test_no_two_subsidiaries_share_what_is_one_of_a_kind(
    subsidiaries: Path, table: str, owner: str, columns: str
) -> None:
    for column in columns.split():
        assert _shared(subsidiaries, table, column, owner) == []


def test_no_line_of_a_subsidiary_speaks_of_the_company_s_accounts(subsidiaries: Path) -> None:
    ((lines, own),) = duckdb.sql(f"""
        select count(*), count(*) filter (bill_payer_account_id = '{PAYER}')
        from read_parquet('{subsidiaries}/{EVERYTHING["bill"]}') as line
        where regexp_matches(cast(to_json(line) as varchar), '{"|".join(ACCOUNT_NAMES)}')
    """).fetchall()
    assert lines == own > 0


def test_a_month_is_one_delivery_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A part holds whole subsidiaries: of 7,226 lines each here, so that two fit into one.
    monkeypatch.setattr(group, "_LINES_OF_A_PART", 15_000)
    result = simulate(tmp_path, days=2, scale=COUNT)
    (path,) = (tmp_path / "bill").rglob("*-Manifest.json")
    manifest = json.loads(path.read_text())
    files = [tmp_path / "bill" / url.split("/", 3)[3] for url in manifest["dataFiles"]]
    assert sorted(files) == sorted((tmp_path / "bill").rglob("*.parquet"))
    lines = [duckdb.sql(f"select count(*) from '{file}'").fetchall()[0][0] for file in files]
    assert lines == [2 * result.bill_lines // COUNT, result.bill_lines // COUNT]


def test_the_totals_are_those_of_all_payers(company: Path, subsidiaries: Path) -> None:
    (of_company,) = json.loads((company / "truth" / "totals.json").read_text())
    of_payers = json.loads((subsidiaries / "truth" / "totals.json").read_text())
    record = json.loads((subsidiaries / "simulation.json").read_text())
    assert [total | {"payer_account_id": ""} for total in of_payers] == [
        of_company | {"payer_account_id": ""}
    ] * COUNT
    assert len({total["payer_account_id"] for total in of_payers}) == COUNT
    (total,) = record["totals"]
    assert total["line_count"] == record["bill_lines"] == COUNT * of_company["line_count"]
    ((true_cost, invoice),) = duckdb.sql(f"""
        select
            (select sum(true_cost_family) from '{subsidiaries}/truth/true_cost.parquet'),
            (
                select sum(line_item_net_unblended_cost::varchar::decimal(25, 10))
                from '{subsidiaries}/{EVERYTHING["bill"]}'
            )
    """).fetchall()
    assert (str(true_cost), str(invoice)) == (total["true_cost"], total["invoice"])


def test_what_the_company_declares_all_subsidiaries_declare(subsidiaries: Path) -> None:
    seeds = subsidiaries / "seeds"
    check_seeds(seeds)

    def rows(seed: Path) -> list[dict[str, str]]:
        with seed.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    for seed in SEEDS.glob("*.csv"):
        before, now = rows(seed), rows(seeds / seed.name)
        if seed.stem != "label_rules":
            assert now[: len(before)] == before
        else:
            assert len(now) == len(before)
    declared = {(row["platform"], row["sub_platform"]) for row in rows(seeds / "platforms.csv")}
    assert declared == set(
        duckdb.sql(f"""
            select distinct platform, sub_platform from '{subsidiaries}/truth/schedule.parquet'
        """).fetchall()
    )
    (spending,) = duckdb.sql(f"""
        select list(distinct lyft_label) from '{subsidiaries}/truth/enriched_spend.parquet'
    """).fetchall()[0]
    owned = {row["lyft_label"] for row in rows(seeds / "label_owners.csv")}
    assert set(spending) - owned == {"unlabeled"}


def test_a_group_that_is_there_is_left_alone_and_another_one_replaces_it(tmp_path: Path) -> None:
    assert simulate(tmp_path, days=2, scale=2).is_new
    assert not simulate(tmp_path, days=2, scale=2).is_new
    single = simulate(tmp_path, days=2)
    assert single.is_new and single.seeds == SEEDS
    # Seeds of a group that is gone would be believed.
    assert not (tmp_path / "seeds").exists()


def test_seeds_of_others_are_never_deleted(tmp_path: Path) -> None:
    simulate(tmp_path, days=2)
    mine = tmp_path / "seeds" / "teams.csv"
    mine.parent.mkdir()
    mine.write_text("precious")
    with pytest.raises(InfraspendError, match="did not write: choose an empty directory"):
        simulate(tmp_path, days=2, scale=2)
    assert mine.read_text() == "precious"
    assert not simulate(tmp_path, days=2).is_new


def test_operations_are_lines_of_the_same_charges(company: Path, tmp_path: Path) -> None:
    more = simulate(tmp_path, days=2, operations=2)
    (before,) = json.loads((company / "truth" / "totals.json").read_text())
    assert more.bill_lines > 1.5 * before["line_count"]
    counts = [
        duckdb.sql(f"select count(*) from '{out}/truth/enriched_spend.parquet'").fetchall()[0][0]
        for out in (company, tmp_path)
    ]
    assert counts[0] == counts[1]
