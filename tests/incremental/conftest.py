"""The companies here are so small that one statement would build all of their months."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="package", autouse=True)
def by_month() -> Iterator[None]:
    """Builds month by month, as a warehouse of millions of rows is built."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INFRASPEND_ROWS_AT_ONCE", "-1")
        yield
