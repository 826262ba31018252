"""`dbt source freshness` looks at every source, and is content with none that has nothing."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import yaml

from infraspend.loaders.clock import utc_now
from infraspend.loaders.open_warehouse import create_raw_tables
from infraspend.loaders.tables import LEDGERS
from tests.workspaces import ROOT

SOURCES = sorted((ROOT / "models" / "staging").rglob("*__sources.yml"))
TIMES = {
    "aws_cur.assemblies": "manifest_time",
    "kubernetes.collections": "last_hour",
    "platforms.deliveries": "delivered_at",
}


def freshness_of(warehouse: Path, tmp_path: Path) -> dict[str, str]:
    """Source -> what dbt finds: pass, warn or error."""
    found = tmp_path / "sources.json"
    environment = {key: value for key, value in os.environ.items() if "INFRASPEND" not in key}
    done = subprocess.run(
        [
            Path(sys.executable).with_name("dbt"),
            *("source", "freshness", "--output", found),
            *("--target-path", tmp_path / "target", "--log-path", tmp_path / "logs"),
        ],
        cwd=ROOT,
        env=environment | {"INFRASPEND_WAREHOUSE": str(warehouse)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.exists(), done.stdout
    return {
        result["unique_id"].removeprefix("source.infraspend."): result["status"]
        for result in json.loads(found.read_text())["results"]
    }


def test_every_source_has_a_ledger_that_says_how_fresh_it_is() -> None:
    configured = {}
    for path in SOURCES:
        (source,) = yaml.safe_load(path.read_text())["sources"]
        for table in source["tables"]:
            if "freshness" in table.get("config", {}):
                assert table["name"] == LEDGERS[source["schema"]][0]
                assert table["config"]["freshness"]["warn_after"]
                configured[f"{source['name']}.{table['name']}"] = table["config"]["loaded_at_field"]
    assert configured == TIMES


def deliver(warehouse: Path, ages: dict[str, timedelta]) -> None:
    """Lands a delivery of each source whose newest time is so old."""
    with duckdb.connect(str(warehouse)) as connection:
        for source, age in ages.items():
            ledger = f"raw_{source}"
            moment: datetime = utc_now() - age
            connection.execute(
                f"insert into {ledger} ({TIMES[source]}, landed_at, _dlt_load_id)"
                " values (?, ?, 'a-load')",
                [moment, utc_now()],
            )


@pytest.mark.thorough
def test_it_says_how_old_the_newest_delivery_is_and_not_when_it_landed(tmp_path: Path) -> None:
    warehouse = tmp_path / "infraspend.duckdb"
    create_raw_tables(warehouse)

    assert freshness_of(warehouse, tmp_path) == {
        "aws_cur.assemblies": "error",
        "kubernetes.collections": "error",
        "platforms.deliveries": "warn",
    }

    deliver(
        warehouse,
        {
            "aws_cur.assemblies": timedelta(hours=73),
            "kubernetes.collections": timedelta(hours=27),
            "platforms.deliveries": timedelta(hours=47),
        },
    )
    assert freshness_of(warehouse, tmp_path) == {
        "aws_cur.assemblies": "error",
        "kubernetes.collections": "warn",
        "platforms.deliveries": "pass",
    }

    deliver(warehouse, {"aws_cur.assemblies": timedelta(hours=1)})
    assert freshness_of(warehouse, tmp_path)["aws_cur.assemblies"] == "pass"
