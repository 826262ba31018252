"""One simulation for all tests, and its bill read back from the files that AWS would deliver."""

import pytest
from filelock import FileLock

from infraspend.simulation import SimulationResult, simulate
from tests.simulation.bill import Line, current_lines
from tests.workspaces import shared

# The shortest simulation that has a legacy period, which is delivered twice, and a CUR 2.0 one.
DAYS = 22


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> SimulationResult:
    root = shared(tmp_path_factory, "simulated")
    with FileLock(f"{root}.lock"):
        return simulate(root, days=DAYS)


@pytest.fixture(scope="session")
def lines(simulated: SimulationResult) -> list[Line]:
    return list(current_lines(simulated.bill))
