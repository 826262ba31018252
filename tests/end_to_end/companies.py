"""Whole companies, small ones: what was delivered of them, their seeds, and their warehouse.

Everything goes the way of a user: files are delivered, the loaders land them, `build` runs dbt.
"""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from infraspend.builder import BuildResult, build
from infraspend.builder.dbt import DbtSetting
from infraspend.builder.seeds import SEED_COLUMNS, path_for_dbt
from infraspend.loaders import aws_cur, kubernetes, platforms
from infraspend.loaders.warehouse import LakeUrl, WarehouseLocation

ROOT = Path(__file__).parents[2]

# What dbt reads of the project, besides the seeds.
_PROJECT = ("dbt_project.yml", "profiles.yml", "models", "macros")

SINGULAR_TESTS = (*(ROOT / "tests").glob("*.sql"), *(ROOT / "tests/restatements").glob("*.sql"))
"""The tests of data that are a query each."""

TEAM = {"team": "platform-team", "org": "infrastructure", "contact": "platform@example.com"}
"""The team that owns the platforms of small companies."""

LABEL_OF_TAG = {
    "rule_order": "10",
    "match_on": "tag",
    "match_key": "user_service",
    "match_type": "present",
    "lyft_label": "{value}",
}
"""The label of a charge is its tag `user:service`."""

WITHOUT_UNIT_TESTS = ("--exclude-resource-type", "unit_test")
"""For builds that are about data: unit tests are about the models, and run once are run enough."""


def copy_project(to: Path) -> Path:
    """Copies the dbt project without its seeds, so that a test may change it."""
    to.mkdir(parents=True)
    for name in _PROJECT:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, to / name)
    (to / "tests").mkdir()
    for test in SINGULAR_TESTS:
        shutil.copy(test, to / "tests")
    return to


def parsed_project(root: Path) -> Path:
    """A copy of the dbt project that dbt has read, for `company_in`."""
    company = Company(copy_project(root), root)
    company.declare()
    setting = DbtSetting(
        root, company.warehouse, path_for_dbt(company.seeds, root), company.artifacts
    )
    subprocess.run(
        setting.command("parse", "--quiet"), cwd=root, env=setting.environment, check=True
    )
    return root


def company_in(root: Path, parsed: Path) -> "Company":
    """A company in a dbt project of its own.

    dbt takes as long to read the project as for a small build. A copy that builds by the same
    relative paths it need not read again.

    Args:
        root: Where the company and its project lie.
        parsed: A project that dbt has read.
    """
    others = shutil.ignore_patterns(".infraspend", "facts", "logs")
    shutil.copytree(parsed, root, dirs_exist_ok=True, ignore=others)
    return Company(root, root)


@dataclass(frozen=True)
class Company:
    """A company in a directory of its own: deliveries, seeds and a warehouse.

    Attributes:
        root: Where all of it lies.
        project: The dbt project to build with.
        lake: Where deliveries land, too, if Spark builds, and not DuckDB.
    """

    root: Path
    project: Path
    lake: LakeUrl | None = None

    @property
    def bill(self) -> Path:
        return self.root / "bill"

    @property
    def kubernetes(self) -> Path:
        return self.root / "kubernetes"

    @property
    def platforms(self) -> Path:
        return self.root / "platforms"

    @property
    def seeds(self) -> Path:
        # Not `seeds`: where the company lies in its project, these would be the demo's.
        return self.root / "facts"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse" / "infraspend.duckdb"

    @property
    def locations(self) -> tuple[WarehouseLocation, ...]:
        """Where deliveries land."""
        return (self.warehouse, self.lake) if self.lake else (self.warehouse,)

    @property
    def artifacts(self) -> Path:
        """Where builds leave what dbt wrote."""
        return self.warehouse.with_name(f"{self.warehouse.name}.dbt")

    def declare(self, **seeds: Iterable[Mapping[str, str]]) -> None:
        """Writes the seeds: rows of the named ones, headers of all others."""
        self.seeds.mkdir(exist_ok=True)
        for name, columns in SEED_COLUMNS.items():
            with (self.seeds / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, columns, lineterminator="\n")
                writer.writeheader()
                writer.writerows(seeds.get(name, ()))

    def load(self) -> None:
        """Lands whatever was delivered."""
        self.warehouse.parent.mkdir(exist_ok=True)
        for loader, source in (
            (aws_cur, self.bill),
            (kubernetes, self.kubernetes),
            (platforms, self.platforms),
        ):
            if source.exists():
                for location in self.locations:
                    loader.load(location, str(source))

    def build(self, *arguments: str) -> BuildResult:
        """Runs the models and their tests, as `infraspend build` does."""
        return build(self.warehouse, self.project, self.seeds, arguments, lake=self.lake)

    def answers(self, analysis: str) -> list[tuple[Any, ...]]:
        """The rows of an analysis, as somebody finds them who copies it."""
        query = (ROOT / "analyses" / f"{analysis}.sql").read_text()
        compiled = self.plain_dbt("--inline", query, verb="compile", quiet=True)
        assert compiled.returncode == 0, compiled.stdout
        return self.rows(compiled.stdout)

    def plain_dbt(
        self, *arguments: str, verb: str = "build", quiet: bool = False
    ) -> "subprocess.CompletedProcess[str]":
        """Runs `dbt build` itself, on seeds that nobody checked before."""
        options = ["--no-use-colors", *(["--quiet"] if quiet else [])]
        return subprocess.run(
            [
                *(Path(sys.executable).with_name("dbt"), *options, verb, *arguments),
                *("--project-dir", self.project, "--profiles-dir", self.project),
                *("--target-path", self.artifacts / "target"),
                *("--log-path", self.artifacts / "logs"),
            ],
            cwd=self.project,
            env=os.environ
            | {
                "INFRASPEND_WAREHOUSE": os.path.relpath(self.warehouse, self.project),
                "INFRASPEND_SEEDS": path_for_dbt(self.seeds, self.project),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with duckdb.connect(self.warehouse, read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def one(self, sql: str) -> Any:
        """The only value of a query."""
        ((value,),) = self.rows(sql)
        return value


def built(company: Company, *arguments: str) -> Company:
    """The company with everything landed and built; fails with what the build said."""
    company.load()
    result = company.build(*arguments)
    assert result.succeeded, "\n".join(result.failures)
    return company


def differences(
    company: Company, ours: str, truth: str, *, attach: Mapping[str, Path] | None = None
) -> Sequence[tuple[Any, ...]]:
    """Rows that only one of two queries has, each with the side that has it.

    Args:
        company: Whose warehouse the queries read.
        ours: What the models say.
        truth: What is so.
        attach: View -> Parquet file, for the queries to read.
    """
    with duckdb.connect() as connection:
        connection.execute(f"attach '{company.warehouse}' as warehouse (read_only); use warehouse")
        for name, file in (attach or {}).items():
            connection.execute(f"create temp view {name} as from read_parquet('{file}')")
        return connection.execute(
            f"""
            with ours as ({ours}), truth as ({truth})
            (select 'only ours' as side, * from (from ours except all from truth))
            union all
            (select 'only true' as side, * from (from truth except all from ours))
            limit 10
            """
        ).fetchall()


def marts_of(company: Company) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every mart, to the last digit, but for when a bill was delivered and loaded."""
    names = company.rows(
        "select table_name from information_schema.tables where table_schema = 'marts'"
    )
    return {
        name: company.rows(
            "select columns(lambda c: c not in ('delivered_at', 'landed_at'))"
            f" from marts.{name} order by all"
        )
        for (name,) in names
    }
