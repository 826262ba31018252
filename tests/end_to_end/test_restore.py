"""A warehouse that is lost comes back from its backup or from the bucket, with the same marts."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from infraspend.builder import BuildResult
from infraspend.loaders import aws_cur, kubernetes, platforms
from tests.end_to_end.companies import WITHOUT_UNIT_TESTS, Company, copy_project, marts_of
from tests.fixtures.make_company import COMPANY
from tests.loaders.s3_server import BUCKET, FaultyS3
from tests.workspaces import ROOT


def assert_same_marts(company: Company, other: Company) -> None:
    here, there = marts_of(company), marts_of(other)
    assert here.keys() == there.keys() and len(here) > 10
    for name, rows in here.items():
        assert rows == there[name], name


@pytest.fixture(scope="module")
def clean(fixture_company: tuple[Company, BuildResult]) -> Company:
    """Landed once, from a directory."""
    company, result = fixture_company
    assert result.succeeded, "\n".join(result.failures)
    return company


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """The same company, without a warehouse."""
    company = Company(tmp_path / "company", tmp_path / "infraspend")
    shutil.copytree(COMPANY, company.root)
    (company.root / "seeds").rename(company.seeds)
    copy_project(company.project)
    return company


def commands(heading: str) -> list[str]:
    """The commands of the first block below a heading of docs/operate.md."""
    page = (ROOT / "docs" / "operate.md").read_text()
    (block,) = re.findall(rf"(?ms)^## {heading}$.*?^```$\n(.*?)^```$", page)[:1]
    return str(block).splitlines()


def shell(command: str, company: Company) -> None:
    """Runs a command of the page, with backups beside the warehouse."""
    backups = company.root / "backups"
    backups.mkdir(exist_ok=True)
    there = command.replace("/backups", str(backups))
    subprocess.run(["sh", "-euc", there], cwd=company.root, check=True)


@pytest.mark.thorough
def test_a_backup_is_restored_and_goes_on_from_there(company: Company, clean: Company) -> None:
    company.warehouse.parent.mkdir()
    aws_cur.load(company.warehouse, str(company.bill), until="2026-04")
    assert company.build(*WITHOUT_UNIT_TESTS).succeeded
    (backup,) = commands("Back up")
    shell(backup, company)
    company.warehouse.write_bytes(b"damaged" * 1000)

    restore, remove, *loads = commands("Restore")
    (kept,) = (company.root / "backups").iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    # The page's is of another day.
    kept.rename(kept.with_name("infraspend-2026-11-01.duckdb"))
    shell(restore, company)
    shell(remove, company)
    assert [line.split()[1] for line in loads] == ["load", "build"]
    company.load()

    assert company.build(*WITHOUT_UNIT_TESTS).may_be_published
    assert_same_marts(company, clean)


@pytest.mark.thorough
def test_landing_everything_again_from_the_bucket_gives_the_same_marts(
    company: Company, clean: Company, s3: FaultyS3
) -> None:
    s3.sync(COMPANY)
    url = f"s3://{BUCKET}"
    company.warehouse.parent.mkdir()
    # In another order, too.
    platforms.load(company.warehouse, f"{url}/platforms")
    kubernetes.load(company.warehouse, f"{url}/kubernetes")
    aws_cur.load(company.warehouse, f"{url}/bill")

    assert company.build(*WITHOUT_UNIT_TESTS).may_be_published
    assert_same_marts(company, clean)
