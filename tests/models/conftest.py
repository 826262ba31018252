"""The companies that the tests of the models break."""

import pytest

from tests.end_to_end.companies import Company
from tests.models.originals import NAMES, original


@pytest.fixture(scope="session")
def companies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Company]:
    """Every company by its name, built. Tests break copies of them."""
    root = tmp_path_factory.mktemp("originals")
    return {name: original(root / name, name) for name in NAMES}
