"""Companies that several tests look at, each built once."""

from pathlib import Path

import pytest

from tests.end_to_end.companies import copy_project
from tests.loaders.conftest import s3, s3_server

__all__ = ["project", "s3", "s3_server"]


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dbt project, copied: builds from seeds elsewhere link them into it."""
    return copy_project(tmp_path_factory.mktemp("project") / "infraspend")
