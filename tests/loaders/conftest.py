"""Warehouses for the tests of the loaders."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from infraspend.loaders.open_warehouse import create_raw_tables
from infraspend.loaders.warehouse import LakeUrl
from tests.loaders.s3_server import FaultyS3, environment


@pytest.fixture(scope="session")
def empty_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with every raw table and no row."""
    path = tmp_path_factory.mktemp("empty") / "empty.duckdb"
    create_raw_tables(path)
    return path


@pytest.fixture
def warehouse(empty_warehouse: Path, tmp_path: Path) -> Path:
    """A warehouse of the test's own."""
    path = tmp_path / "warehouse" / "infraspend.duckdb"
    path.parent.mkdir()
    shutil.copy(empty_warehouse, path)
    return path


@pytest.fixture(scope="session")
def empty_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with every raw table and no row, whose path is hard on globs and quotes."""
    path = tmp_path_factory.mktemp("empty") / "lake [it's] *"
    create_raw_tables(LakeUrl(str(path)))
    return path


@pytest.fixture
def lake(empty_lake: Path, tmp_path: Path) -> LakeUrl:
    """A lake of the test's own."""
    path = tmp_path / "lake [it's] *"
    shutil.copytree(empty_lake, path)
    return LakeUrl(str(path))


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    """A directory for deliveries whose name is hard on globs and quotes."""
    path = tmp_path / "bucket [it's] *"
    path.mkdir()
    return path


@pytest.fixture(scope="session")
def s3_server() -> Iterator[FaultyS3]:
    server = FaultyS3()
    yield server
    server.close()


@pytest.fixture
def s3(s3_server: FaultyS3, monkeypatch: pytest.MonkeyPatch) -> FaultyS3:
    """An empty bucket, and an environment that leads there."""
    for name, value in environment(s3_server.url).items():
        monkeypatch.setenv(name, value)
    s3_server.empty()
    return s3_server
