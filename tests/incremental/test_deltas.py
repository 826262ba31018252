"""Whatever changes, in whatever order, an incremental build comes to what a full refresh does.

`INFRASPEND_DELTAS` is the number of long sequences. Each begins from a seed of its own, the one
after that of the sequence before, so that it can be taken again alone: `INFRASPEND_DELTAS=1 pytest
-k long --hypothesis-seed SEED`.
"""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.end_to_end.companies import WITHOUT_UNIT_TESTS
from tests.generated_bills.bills import Bill, drawn
from tests.incremental.machine import Deltas, project_at_once
from tests.incremental.world import World, begin

SEQUENCES = int(os.environ.get("INFRASPEND_DELTAS", "1"))
SEED = 184
"""Of the first sequence."""


def some_bills() -> list[Bill]:
    """Bills of any kind, few enough to land quickly."""
    return drawn(6, 20261124)


def _printed(seen: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(seen.items()))


@pytest.mark.parametrize(
    ("sequences", "steps"),
    [
        pytest.param(1, 2, id="short"),
        pytest.param(SEQUENCES, 9, id="long", marks=pytest.mark.thorough),
    ],
)
def test_any_sequence_of_deltas_comes_to_what_a_full_refresh_does(
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
    sequences: int,
    steps: int,
) -> None:
    root = Path(os.environ.get("INFRASPEND_DELTAS_DIR") or tmp_path_factory.mktemp("deltas"))
    directory = root / f"{steps}-steps"
    others = some_bills()
    first, here = directory / "first", directory / "here"
    world = begin(here, others)
    world.land()
    result = world.company.build(*WITHOUT_UNIT_TESTS)
    assert result.succeeded, "\n".join(result.failures)
    shutil.copytree(here, first)

    class Sequence(Deltas):
        @classmethod
        def start(cls) -> World:
            for folder in ("bill", "kubernetes", "platforms"):
                shutil.rmtree(here / folder)
                shutil.copytree(first / folder, here / folder)
            # dbt's artifacts stay: parsing is the dearest part of a build.
            pipelines = here / "warehouse"
            for path in pipelines.iterdir():
                if path.suffix == ".dbt":
                    continue
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            shutil.copytree(
                first / "warehouse",
                pipelines,
                dirs_exist_ok=True,
                ignore=shutil.ignore_patterns("*.dbt"),
            )
            return World(
                world.company, others, months=dict(world.months), deliveries=world.deliveries
            )

    Sequence.directory = directory
    Sequence.at_once = project_at_once(directory / "at_once")
    # A failing sequence is printed as it was found: making it shorter takes a build for each step.
    # Hypothesis would make most sequences from those before; here each is drawn on its own.
    how = settings(
        max_examples=1,
        stateful_step_count=steps,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        derandomize=False,
    )
    first_seed = int(request.config.getoption("--hypothesis-seed") or SEED)
    for number in range(first_seed, first_seed + sequences):
        before = Deltas.seen.copy()
        try:
            run_state_machine_as_test(seed(number)(Sequence), settings=how)  # type: ignore[arg-type]
        finally:
            print(f"\n{number}: {_printed(Deltas.seen - before)}", flush=True)
    print(f"all: {_printed(Deltas.seen)}")
