"""Houses small enough to build in seconds; see `tests.houses`."""

import shutil
from pathlib import Path

import pytest

from loaders.warehouse import create_raw_tables
from tests.houses import MODEL, PROPERTIES, ROOT, House, load


@pytest.fixture(scope="session")
def fresh_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Something was loaded (what it is does not matter here) and nothing built."""
    house = House(tmp_path_factory.mktemp("fresh"))
    (house.project / "models" / "marts").mkdir(parents=True)
    shutil.copytree(ROOT / "macros", house.project / "macros")
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(ROOT / name, house.project / name)
    shutil.copytree(ROOT / "seeds", house.seeds, ignore=shutil.ignore_patterns("*.yml"))
    (house.project / "models" / "marts" / "orgs.sql").write_text(MODEL)
    (house.project / "models" / "properties.yml").write_text(PROPERTIES)
    create_raw_tables(house.warehouse)
    load(house.warehouse, "a-delivery")
    return house


@pytest.fixture(scope="session")
def built_house(fresh_house: House, tmp_path_factory: pytest.TempPathFactory) -> House:
    """The same, built."""
    house = House(tmp_path_factory.mktemp("built") / "house")
    shutil.copytree(fresh_house.root, house.root)
    assert house.build().succeeded
    return house


@pytest.fixture
def fresh(fresh_house: House, tmp_path: Path) -> House:
    """A house of the test's own, not built yet."""
    shutil.copytree(fresh_house.root, tmp_path / "house")
    return House(tmp_path / "house")


@pytest.fixture
def built(built_house: House, tmp_path: Path) -> House:
    """A house of the test's own, whose last build was good."""
    shutil.copytree(built_house.root, tmp_path / "house")
    return House(tmp_path / "house")
