"""Whatever changes, in whatever order, an incremental build comes to what a full refresh does.

`INFRASPEND_DELTAS` is the number of long sequences. Each begins from a seed of its own, the one
after that of the sequence before, so that it can be taken again alone: `INFRASPEND_DELTAS=1 pytest
-k long --hypothesis-seed SEED`.
"""

import os
from pathlib import Path

import pytest

from tests.end_to_end.companies import ROOT, Company
from tests.incremental.machine import Deltas, run_sequences


@pytest.mark.parametrize(
    ("sequences", "steps"),
    [
        pytest.param(1, 2, id="short"),
        pytest.param(
            int(os.environ.get("INFRASPEND_DELTAS", "1")),
            9,
            id="long",
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_any_sequence_of_deltas_comes_to_what_a_full_refresh_does(
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
    sequences: int,
    steps: int,
) -> None:
    root = Path(os.environ.get("INFRASPEND_DELTAS_DIR") or tmp_path_factory.mktemp("deltas"))
    company = Company(root / f"{steps}-steps" / "here", ROOT)
    seed = request.config.getoption("--hypothesis-seed")
    run_sequences(Deltas, company, sequences=sequences, steps=steps, first_seed=seed)
