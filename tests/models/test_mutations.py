"""Every mutation is noticed: by a unit test, by a test on the data, or by the truth.

Two small companies are built once. Every mutation then changes a copy of the project, beside a
copy of the warehouse, and builds again what depends on it.
"""

import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.end_to_end.companies import Company
from tests.models.mutations import MUTATIONS, Mutation
from tests.models.originals import copy_of, run, what_is_wrong

pytestmark = pytest.mark.thorough

_AT_ONCE = 2


@pytest.fixture(scope="module")
def verdicts(
    companies: dict[str, Company], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, "Future[str | None]"]]:
    """Mutation -> who will have noticed it; None if nobody."""
    root = tmp_path_factory.mktemp("mutants")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield {
            name: pool.submit(_tried, mutation, companies[mutation.company], root / str(number))
            for number, (name, mutation) in enumerate(MUTATIONS.items())
        }


def _tried(mutation: Mutation, company: Company, root: Path) -> str | None:
    """Builds a mutant; says who noticed, if anybody did."""
    mutant = copy_of(company, root)
    file = root / mutation.file
    text = file.read_text()
    assert text.count(mutation.original) == 1, f"{mutation.file}: {mutation.original}"
    file.write_text(text.replace(mutation.original, mutation.mutated))

    # An edited macro is no edited model to dbt.
    done = run(mutant, "--full-refresh", "--fail-fast", "--select", *mutation.models.split())
    # The first failure stops the build: dbt then interrupts what runs beside it.
    errors = [
        f"{node.name}: {node.message}"
        for node in done.nodes
        if node.status == "error" and "INTERRUPT Error" not in str(node.message)
    ]
    assert not errors, "a mutation has to run"
    failed = [node.name for node in done.nodes if node.status == "fail"]
    assert failed or done.succeeded, done.complaint
    noticed = failed[0] if failed else what_is_wrong(mutant, company)
    shutil.rmtree(root)
    return noticed


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_noticed(verdicts: dict[str, "Future[str | None]"], name: str) -> None:
    assert verdicts[name].result(), f"nobody noticed: {MUTATIONS[name]}"


def test_there_are_enough_of_them() -> None:
    assert len(MUTATIONS) >= 20
    assert len({mutation.file for mutation in MUTATIONS.values()}) >= 20
