"""A real Prometheus with the small data set and every scenario, a cluster each."""

import gzip
import os
from collections.abc import Iterator

import pytest

from tests.loaders.conftest import empty_warehouse, s3, s3_server, warehouse
from tests.tracker.reading import FIXTURES
from tests.tracker.scenarios import lone_cluster, scenarios
from tests.tracker.servers import Binaries, NoPrometheusError, find_binaries, prometheus

__all__ = ["empty_warehouse", "s3", "s3_server", "warehouse"]


@pytest.fixture(scope="session")
def binaries(request: pytest.FixtureRequest) -> Binaries:
    """Prometheus; without it the tests are skipped loudly, and fail in CI."""
    assert request.config.cache is not None
    try:
        return find_binaries(request.config.cache.mkdir("prometheus"))
    except NoPrometheusError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def server(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with many clusters."""
    small = gzip.decompress((FIXTURES / "small.om.gz").read_bytes()).decode()
    data = tmp_path_factory.mktemp("prometheus") / "many"
    with prometheus(binaries, data, small, scenarios()) as url:
        yield url


@pytest.fixture(scope="session")
def lone_server(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with one cluster, whose series do not name it."""
    data = tmp_path_factory.mktemp("prometheus") / "lone"
    with prometheus(binaries, data, lone_cluster()) as url:
        yield url
