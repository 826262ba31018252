"""One simulation for all tests, and its bill read back from the files that AWS would deliver."""

import pytest

from infraspend.simulation import SimulationResult, simulate
from tests.simulation.bill import Line, current_lines

# The shortest simulation that has a legacy period, which is delivered twice, and a CUR 2.0 one.
DAYS = 22


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> SimulationResult:
    return simulate(tmp_path_factory.mktemp("simulated"), days=DAYS)


@pytest.fixture(scope="session")
def lines(simulated: SimulationResult) -> list[Line]:
    return list(current_lines(simulated.bill))
