"""Spark, too, refuses the seeds of the demo company for a bill that is not the simulation's."""

from pathlib import Path
from shutil import copytree

import pytest

from infraspend.builder import build, choose_seeds
from infraspend.loaders import aws_cur
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.warehouse import LakeUrl
from tests.loaders.bills import charge, deliver_legacy, text_of
from tests.workspaces import ROOT

OF_ONE_SEED = ("--select", "teams", "--exclude-resource-type", "test")


def test_seeds_of_the_demo_company_fit_no_other_bill(tmp_path: Path) -> None:
    deliver_legacy(tmp_path / "bill", text_of([charge()]))
    warehouse, lake = tmp_path / "company.duckdb", LakeUrl(str(tmp_path / "lake"))
    aws_cur.load(lake, str(tmp_path / "bill"))
    facts = Path(copytree(ROOT / "seeds", tmp_path / "facts"))

    with pytest.raises(InfraspendError, match="--seeds DIR"):
        choose_seeds(tmp_path / "no record", lake, ROOT)
    # It is dbt that refuses here, as it does when it is run by itself.
    refused = build(warehouse, ROOT, ROOT / "seeds", OF_ONE_SEED, lake=lake)
    taken = build(warehouse, ROOT, facts, OF_ONE_SEED, lake=lake)

    assert not refused.succeeded
    assert any("the seeds of the demo company" in failure for failure in refused.failures)
    assert taken.succeeded, taken.failures
