"""A warehouse of every released version opens, or says what to do; nothing lands cut off."""

import lzma
import shutil
from pathlib import Path

import duckdb
import pytest

from infraspend.builder import check_loaded
from infraspend.loaders import aws_cur, kubernetes, platforms
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.open_warehouse import create_raw_tables
from infraspend.loaders.settings import THIS_VERSION
from infraspend.loaders.tables import LEDGERS, differences
from infraspend.loaders.warehouse import LakeUrl
from tests.end_to_end.companies import WITHOUT_UNIT_TESTS, Company, company_in, copy_project
from tests.fixtures.make_company import COMPANY
from tests.fixtures.make_warehouse import WAREHOUSES
from tests.loaders.queries import content, rows
from tests.workspaces import load

RELEASED = sorted(path.name.removesuffix(".duckdb.xz") for path in WAREHOUSES.glob("*.xz"))
COLUMNS = "select table_schema, table_name, column_name, data_type from information_schema.columns"


def change(warehouse: Path, *statements: str) -> None:
    with duckdb.connect(warehouse) as connection:
        for statement in statements:
            connection.execute(statement)


def unpacked(version: str, to: Path) -> Path:
    to.write_bytes(lzma.decompress((WAREHOUSES / f"{version}.duckdb.xz").read_bytes()))
    return to


def test_there_is_a_warehouse_of_this_version() -> None:
    assert THIS_VERSION in RELEASED, "python -m tests.fixtures.make_warehouse"


@pytest.mark.parametrize("version", RELEASED)
def test_a_warehouse_of_a_released_version_opens_and_has_what_was_loaded(
    version: str, tmp_path: Path
) -> None:
    warehouse = unpacked(version, tmp_path / "infraspend.duckdb")
    made_by = rows(warehouse, "select value from pipeline.settings where name = 'version'")
    assert made_by == [(version,)]
    before = {dataset: content(warehouse, dataset) for dataset in LEDGERS}

    results = [
        aws_cur.load(warehouse, str(COMPANY / "bill")),
        kubernetes.load(warehouse, str(COMPANY / "kubernetes")),
        platforms.load(warehouse, str(COMPANY / "platforms")),
    ]

    assert [(result.landed, result.skipped) for result in results] == [(0, 2), (0, 2), (0, 4)]
    assert differences(rows(warehouse, COLUMNS)) == {}
    for dataset, tables in before.items():
        after = content(warehouse, dataset)
        assert {name: len(found) for name, found in tables.items()} == {
            name: len(after[name]) for name in tables
        }
    settings = rows(warehouse, "select value from pipeline.settings where name = 'version'")
    assert settings == [(THIS_VERSION,)]


@pytest.mark.thorough
@pytest.mark.parametrize("version", RELEASED)
def test_a_warehouse_of_a_released_version_builds(
    version: str, tmp_path: Path, project: Path
) -> None:
    company = company_in(tmp_path / "company", project)
    shutil.copytree(COMPANY / "seeds", company.seeds)
    unpacked(version, company.warehouse)

    result = company.build(*WITHOUT_UNIT_TESTS)

    assert result.may_be_published, "\n".join(result.failures)


OTHERS = [
    (
        "alter table raw_kubernetes.node_hours alter running_hours type decimal(18, 4)",
        r"node_hours.running_hours is DECIMAL\(18,4\) and not decimal\(25,10\)",
    ),
    (
        "alter table raw_platforms.usage add column currency varchar",
        "usage.currency is not known",
    ),
]


@pytest.mark.parametrize(("changed", "says"), OTHERS)
def test_columns_that_cannot_be_kept_exact_are_refused_with_the_way_out(
    warehouse: Path, changed: str, says: str
) -> None:
    load(warehouse, "a-delivery")
    change(warehouse, changed, "update pipeline.settings set value = '0.9' where name = 'version'")

    for opening in (create_raw_tables, check_loaded):
        with pytest.raises(InfraspendError, match=rf"of 0\.9, .*{says}.*load all deliveries again"):
            opening(warehouse)

    # What another program wrote there is as it was.
    assert differences(rows(warehouse, COLUMNS)).keys() <= {"raw_kubernetes", "raw_platforms"}
    assert rows(warehouse, "select count(*) from raw_platforms.deliveries") == [(1,)]


@pytest.mark.parametrize(
    "older",
    ["alter table raw_platforms.usage drop unit", "drop table raw_kubernetes.namespaces"],
)
def test_what_an_earlier_version_lacks_is_added_before_a_build(warehouse: Path, older: str) -> None:
    load(warehouse, "a-delivery")
    change(warehouse, older)

    check_loaded(warehouse)

    assert differences(rows(warehouse, COLUMNS)) == {}
    assert rows(warehouse, "select delivery_id from raw_platforms.deliveries") == [("a-delivery",)]


@pytest.mark.thorough
def test_plain_dbt_says_how_to_add_what_an_earlier_version_lacks(tmp_path: Path) -> None:
    company = Company(tmp_path / "company", tmp_path / "infraspend")
    shutil.copytree(COMPANY / "seeds", company.seeds)
    copy_project(company.project)
    company.warehouse.parent.mkdir(parents=True, exist_ok=True)
    unpacked(THIS_VERSION, company.warehouse)
    select = ("--select", "stg_seeds__teams", "teams")
    check_loaded(company.warehouse)

    change(
        company.warehouse,
        "alter table raw_focus.charges drop sku_meter",
        "drop table raw_kubernetes.namespaces",
    )
    done = company.plain_dbt(*select)

    assert done.returncode == 2
    assert f"{company.warehouse.name} was loaded by an earlier version: it lacks" in done.stdout
    assert "keeps what was loaded: infraspend build" in done.stdout
    check_loaded(company.warehouse)
    assert company.plain_dbt(*select).returncode == 0


def test_a_lake_of_other_columns_is_refused_too(lake: LakeUrl) -> None:
    tables = Path(lake.url) / "_infraspend" / "tables.json"
    whole = tables.read_text()
    tables.write_text(whole.replace('"usage": "decimal(25,10)"', '"usage": "decimal(18,4)"'))
    assert tables.read_text() != whole

    with pytest.raises(InfraspendError, match=r"usage.usage is decimal\(18,4\) and not"):
        create_raw_tables(lake)
