"""Spark's physical plans of what dbt compiled.

A process of its own asks for them, because the catalog belongs to one process at a time.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from jinja2 import Template

from infraspend.builder.spark import home_beside
from tests.workspaces import ROOT

_NOTHING_IS_SMALL = ("spark.sql.autoBroadcastJoinThreshold", "-1")


@dataclass
class Operator:
    """An operator of a plan, and those that it reads from.

    Attributes:
        text: What Spark says of it, its name first.
        inputs: In the order of the plan.
    """

    text: str
    inputs: list["Operator"] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.text.partition(" ")[0].partition("(")[0]

    @property
    def partitions(self) -> str:
        """The condition by which a scan leaves folders out."""
        return self.text.partition("PartitionFilters: ")[2].partition("PushedFilters: ")[0]

    def walk(self) -> Iterator["Operator"]:
        """It and everything below."""
        yield self
        for operator in self.inputs:
            yield from operator.walk()

    def reads(self, table: str) -> bool:
        """It, or something below, scans this table."""
        return any(found.is_scan_of(table) for found in self.walk())

    def is_scan_of(self, table: str) -> bool:
        return self.name == "FileScan" and f".{table}[" in self.text

    def has_rows_of(self, table: str) -> bool:
        """Its rows are single rows of this table, joined with others or not, but not summed."""
        if self.name.endswith("Aggregate"):
            return False
        return self.is_scan_of(table) or any(one.has_rows_of(table) for one in self.inputs)


def parse(plan: str) -> Operator:
    """A plan as `explain` prints it."""
    above: list[tuple[int, Operator]] = []
    for line in plan.splitlines():
        text = line.lstrip(" :+-")
        if not text or text.startswith("=="):
            continue
        depth = len(line) - len(text)
        operator = Operator(text)
        while above and above[-1][0] >= depth:
            above.pop()
        if above:
            above[-1][1].inputs.append(operator)
        above.append((depth, operator))
    return above[0][1]


def plans_of(
    warehouse: Path, models: Sequence[str], *, nothing_is_small: bool = False
) -> dict[str, Operator]:
    """The plans of what the last build beside this warehouse compiled, by model.

    Args:
        warehouse: The file that Spark's home lies beside.
        models: The names of models.
        nothing_is_small: As if every table were too large to be sent to everybody.
    """
    run = subprocess.run(
        [sys.executable, "-m", "tests.spark.plans", str(int(nothing_is_small)), *models],
        cwd=ROOT,
        env=os.environ | {"INFRASPEND_WAREHOUSE": str(warehouse)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {model: parse(plan) for model, plan in json.loads(run.stdout).items()}


def _explain(warehouse: Path, models: Sequence[str], settings: dict[str, str]) -> dict[str, str]:
    # Not at the top: without Spark the rest of this can be looked at.
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.enableHiveSupport()
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    compiled = home_beside(warehouse) / "dbt" / "target" / "compiled" / "infraspend" / "models"
    plans = {}
    for model in models:
        (path,) = compiled.rglob(f"{model}.sql")
        # The month that a statement makes; see macros/months.sql.
        spark.sql(f"declare or replace variable refreshed_month_of_{model} default '2026-10'")
        ((plan,),) = spark.sql(f"explain {path.read_text()}").collect()
        plans[model] = plan
    spark.stop()
    return plans


def _settings() -> dict[str, str]:
    """Those of the target `spark`, but for plans that are printed whole and do not change later."""
    rendered = Template((ROOT / "profiles.yml").read_text()).render(env_var=os.environ.get)
    target = yaml.safe_load(rendered)["infraspend"]["outputs"]["spark"]
    return target["server_side_parameters"] | {
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.maxMetadataStringLength": "10000",
    }


if __name__ == "__main__":
    all_settings = _settings()
    if sys.argv[1] == "1":
        all_settings |= dict([_NOTHING_IS_SMALL])
    beside = Path(os.environ["INFRASPEND_WAREHOUSE"])
    print(json.dumps(_explain(beside, sys.argv[2:], all_settings)))
