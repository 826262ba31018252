"""Other people's programs read what `publish --focus` writes: focus-validator and focus-mcp."""

import json
import re
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from infraspend.publishers.focus import publish_focus
from tests.end_to_end.companies import Company
from tests.focus.conftest import READERS
from tests.mcp.test_assistants import Assistant, assistant

VERSIONS = ("1.2", "1.4")
EXCEPTIONS = yaml.safe_load(Path(__file__).with_name("exceptions.yml").read_text())
NEWEST_MODEL = "1.2"
"""The newest of which focus-validator bundles the rules."""


@pytest.fixture(scope="module")
def folders(focus_company: Company, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What was published, by version."""
    root = tmp_path_factory.mktemp("focus")
    for version in VERSIONS:
        publish_focus(focus_company.warehouse, root / version, version)
    return {version: root / version / "focus" for version in VERSIONS}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_validator_reports_nothing_but_the_exceptions(
    folders: dict[str, Path], tmp_path: Path, version: str
) -> None:
    # It reads one file, and not a folder; a CSV would lose that ids are texts.
    months = folders[version] / "*" / "*.parquet"
    duckdb.sql(
        f"copy (select * exclude (billing_period) from read_parquet('{months}'))"
        f" to '{tmp_path / 'all.parquet'}'"
    )
    (library,) = READERS.parent.glob("lib/python*/site-packages")

    run = subprocess.run(
        [
            *(READERS / "focus-validator", "--data-file", tmp_path / "all.parquet"),
            *("--validate-version", NEWEST_MODEL, "--block-download"),
        ],
        # It finds its currencies from here only.
        cwd=library,
        capture_output=True,
        text=True,
        check=False,
    )

    # It exits with 0 whatever it found: the totals say more.
    totals = re.search(r"Total: (\d+) \| Pass: (\d+) \| Fail: (\d+) \| Skipped: (\d+)", run.stdout)
    assert totals, run.stdout + run.stderr
    total, passed, failed, skipped = map(int, totals.groups())
    print(f"FOCUS {version}: {passed} passed, {failed} failed, {skipped} not applicable")
    failures = set(re.findall(r"^\W*([\w-]+): FAIL", run.stdout, re.MULTILINE))
    assert failures == EXCEPTIONS["both"].keys() | EXCEPTIONS.get(version, {}).keys()
    assert failed == len(failures)
    assert passed + failed + skipped == total
    assert passed >= 120


def test_the_newest_model_is_used() -> None:
    models = READERS.parent.glob("lib/*/site-packages/focus_validator/rules/model-*.json")

    versions = {re.sub(r"model-(\d+\.\d+)\..*", r"\1", model.name) for model in models}

    assert max(versions) == NEWEST_MODEL


@pytest.fixture(scope="module")
def server(folders: dict[str, Path]) -> Iterator[Assistant]:
    """focus-mcp, which reads the folder."""
    with assistant(
        *("env", f"FOCUS_DATA_LOCATION={folders['1.4']}", "FOCUS_VERSION=1.4"),
        READERS / "focus-mcp",
    ) as one:
        yield one


@pytest.fixture(scope="module")
def ledger(focus_company: Company) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse itself."""
    with duckdb.connect(str(focus_company.warehouse), read_only=True) as connection:
        yield connection


def ask(server: Assistant, tool: str, **arguments: Any) -> dict[str, Any]:
    """The answer to a question, with all digits of its numbers."""
    (content,) = server.call(tool, **arguments).content
    assert content.type == "text"
    answer: dict[str, Any] = json.loads(content.text, parse_float=Decimal)
    assert "result" in answer, answer
    return answer["result"]  # type: ignore[no-any-return]


def test_it_says_which_data_there_is(server: Assistant, ledger: duckdb.DuckDBPyConnection) -> None:
    info = ask(server, "get_data_info")

    ((rows, cost),) = ledger.execute(
        "select count(*), (select round(sum(net_amortized_cost), 2) from marts.true_cost)"
        " from focus.focus_charges"
    ).fetchall()
    assert info["row_count"] == rows
    assert Decimal(str(info["total_cost"])) == cost
    assert info["providers"] == {"count": 1, "samples": ["AWS"]}
    assert info["date_range"] == {
        "start": "2026-04-01 00:00:00+00:00",
        "end": "2026-06-01 00:00:00+00:00",
    }


def test_it_adds_up_spend_by_label(server: Assistant, ledger: duckdb.DuckDBPyConnection) -> None:
    answer = ask(
        server,
        "execute_query",
        query="select x_LyftLabel as label, cast(sum(x_TrueCost) as varchar) as spend"
        " from focus_data_table where x_ChargeClass <> 'commitment_to_come'"
        " group by all order by 1",
    )

    expected = ledger.execute(
        "select lyft_label, cast(sum(spend) as varchar) from marts.enriched_spend"
        " group by lyft_label order by lyft_label"
    ).fetchall()
    assert len(expected) > 3
    assert [(row["label"], row["spend"]) for row in answer["data"]] == expected


def test_it_knows_what_platforms_split(
    server: Assistant, ledger: duckdb.DuckDBPyConnection
) -> None:
    answer = ask(
        server,
        "execute_query",
        use_case="analyze-total-cost-by-allocated-resource",
        parameters=["2026-04-01", "2026-06-01"],
    )

    expected = ledger.execute(
        "select allocated_resource_id, allocated_resource_name, sum(effective_cost), count(*)"
        " from focus.focus_charges where charge_category = 'Usage'"
        " and allocated_resource_id is not null group by all"
    ).fetchall()
    assert len(expected) > 3
    found = {
        row["AllocatedResourceId"]: (
            row["AllocatedResourceName"],
            Decimal(str(row["TotalEffectiveCost"])),
            row["ChargeCount"],
        )
        for row in answer["data"]
    }
    assert found == {resource: (name, cost, count) for resource, name, cost, count in expected}
