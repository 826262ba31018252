"""A small workspace: the project's own settings and seeds, one mart, one test on a seed."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from infraspend.builder import BuildResult, build
from infraspend.builder.dbt import DbtSetting
from infraspend.loaders.local import private

ROOT = Path(__file__).parents[1]

MODEL = """
select
    teams.org,
    cast(count(*) as bigint) as teams
from {{ ref('teams') }} as teams
group by teams.org
"""

PROPERTIES = """
models:
  - name: orgs
    description: The orgs of the company, counted by an 'analyst'.
    columns:
      - {name: org, data_type: varchar, description: "What teams belong to."}
      - {name: teams, data_type: bigint, description: "How many teams it has."}

seeds:
  - name: teams
    config:
      column_types: {team: varchar, org: varchar, valid_from: timestamp, valid_until: timestamp}
  - name: label_owners
    config:
      column_types: {team: varchar, owned_from: timestamp, owned_until: timestamp}
  - name: closed_periods
    config:
      column_types: {payer_account_id: varchar, billing_period: varchar, closed_at: varchar}
  - name: platform_resources
    columns:
      - name: platform
        data_tests:
          - relationships:
              arguments: {to: ref('platforms'), field: platform}
"""


def shared(tmp_path_factory: pytest.TempPathFactory, name: str) -> Path:
    """A directory that the processes share which share out the tests."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name


@dataclass(frozen=True)
class Workspace:
    """A dbt project and a warehouse, in a directory of their own."""

    root: Path

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def seeds(self) -> Path:
        return self.project / "seeds"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse" / "infraspend.duckdb"

    def build(self, *arguments: str, seeds: Path | None = None) -> BuildResult:
        return build(self.warehouse, self.project, seeds or self.seeds, arguments)

    @property
    def artifacts(self) -> Path:
        """Where builds leave what dbt wrote."""
        return self.warehouse.with_name(f"{self.warehouse.name}.dbt")

    @property
    def ran_dbt(self) -> bool:
        """Whether a build ran dbt; the project may have been parsed before."""
        return (self.artifacts / "target" / "run_results.json").exists()

    def parse(self) -> None:
        """Reads the project as a build does, so that copies of it are read sooner."""
        setting = DbtSetting(self.project, self.warehouse, "seeds", self.artifacts)
        with private():
            subprocess.run(
                setting.command("parse", "--quiet"),
                cwd=self.project,
                env=setting.environment,
                check=True,
            )

    def plain_dbt(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Runs dbt itself, in the project."""
        clean = {name: value for name, value in os.environ.items() if "INFRASPEND" not in name}
        return subprocess.run(
            [Path(sys.executable).with_name("dbt"), "--no-use-colors", *arguments],
            cwd=self.project,
            env=clean
            | {"INFRASPEND_WAREHOUSE": os.path.relpath(self.warehouse, self.project)}
            | environment,
            capture_output=True,
            text=True,
            check=False,
        )


def load_bill(warehouse: Path, report: str, payer: str) -> None:
    """Lands what the loaders keep of a bill for ever; without its lines."""
    with duckdb.connect(str(warehouse)) as connection:
        for table, column, value in (
            ("assemblies", "report", report),
            ("control_totals", "payer_account_id", payer),
        ):
            connection.execute(
                f"insert into raw_aws_cur.{table} (assembly_id, {column}, _dlt_load_id)"
                " values ('an-assembly', ?, 'a-bill')",
                [value],
            )


def load(warehouse: Path, delivery: str) -> None:
    """Lands a delivery of nothing, as a loader leaves it."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            "insert into raw_platforms.deliveries (delivery_id, _dlt_load_id) values (?, ?)",
            [delivery, delivery],
        )
        connection.execute(
            "insert into raw_platforms._dlt_loads (load_id, status, inserted_at) "
            "values (?, 0, current_date)",
            [delivery],
        )
