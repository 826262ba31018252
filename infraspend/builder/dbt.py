"""Runs dbt in a process of its own and returns the result of each node."""

import json
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from infraspend.builder.dbt_process import PARENT
from infraspend.builder.spark import Spark
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.local import private
from infraspend.loaders.result import Progress, Step

DBT = (sys.executable, "-P", str(Path(__file__).with_name("dbt_process.py")))
DBT_ON_SPARK = (sys.executable, "-m", "infraspend.builder.dbt_on_spark")
"""How dbt is started, on DuckDB and on Spark."""
_GOOD = {"success", "pass", "warn", "no-op"}
_NOT_RUN = {"skipped"}
_LAST_LINES = 5

OUT_OF_MEMORY = "Out of Memory Error"
"""What DuckDB's message begins with where its memory does not suffice."""

PRINTED = "printed.log"
"""The file beside dbt's log for other output: of Spark's Java, or a crash."""


@dataclass(frozen=True)
class Node:
    """A seed, model or test, and its result.

    Attributes:
        unique_id: dbt's own name for it, `model.infraspend.true_cost`.
        name: Its short name.
        path: The file that defines it, relative to the project.
        status: dbt's status: success, pass, warn, error, fail, skipped, ...
        message: dbt's message about it, in one line.
        rows: How many failing rows a test found.
        compiled: The query as it ran; for a test, the one whose rows are its failures.
        compiled_path: The file that holds this query, if dbt wrote one.
    """

    unique_id: str
    name: str
    path: str
    status: str
    message: str
    rows: int
    compiled: str
    compiled_path: str | None

    @property
    def is_test(self) -> bool:
        """It checks existing rows and builds none."""
        return self.unique_id.startswith("test.")


@dataclass(frozen=True)
class DbtRun:
    """The result of one run of dbt.

    Attributes:
        nodes: Every node that it ran or skipped.
        complaint: Why dbt stopped before it ran anything, in one line; empty if it did not.
    """

    nodes: tuple[Node, ...]
    complaint: str

    @property
    def failed(self) -> tuple[Node, ...]:
        """The nodes that failed; not those skipped because of them."""
        return tuple(node for node in self.nodes if node.status not in _GOOD | _NOT_RUN)

    @property
    def skipped(self) -> tuple[Node, ...]:
        """The nodes that were skipped because one that they need failed."""
        return tuple(node for node in self.nodes if node.status in _NOT_RUN)

    @property
    def warned(self) -> tuple[Node, ...]:
        """The tests that warned."""
        return tuple(node for node in self.nodes if node.status == "warn")

    @property
    def succeeded(self) -> bool:
        """Nothing failed and nothing was skipped."""
        return not self.complaint and all(node.status in _GOOD for node in self.nodes)


@dataclass(frozen=True)
class DbtSetting:
    """The project, warehouse and directories of a run of dbt.

    Attributes:
        project: The root of the dbt project; its profiles lie there too.
        warehouse: The DuckDB file to build in.
        seeds: The directory of the seeds, relative to the project; see `seeds.path_for_dbt`.
        artifacts: Where dbt writes compiled SQL, its results and its log.
        spark: The settings of Spark, if it builds instead of DuckDB.
    """

    project: Path
    warehouse: Path
    seeds: str
    artifacts: Path
    spark: Spark | None = None

    @property
    def target(self) -> Path:
        """Where dbt writes compiled SQL and its results."""
        return self.artifacts / "target"

    @property
    def logs(self) -> Path:
        """Where dbt writes its log."""
        return self.artifacts / "logs"

    def command(self, verb: str, *arguments: str) -> list[str]:
        """A command of dbt's.

        Args:
            verb: Such as `build`.
            arguments: Its further arguments.
        """
        return [
            *(DBT_ON_SPARK if self.spark else DBT),
            verb,
            *(("--target", "spark") if self.spark else ()),
            *("--project-dir", str(self.project), "--profiles-dir", str(self.project)),
            *("--target-path", str(self.target), "--log-path", str(self.logs)),
            "--no-use-colors",
            *arguments,
        ]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of dbt: the project's variables, and the process that it ends with."""
        lake = {"INFRASPEND_LAKE": self.spark.url} if self.spark else {}
        # dbt parses the whole project again if a profile has changed: a copied one has not.
        warehouse = os.path.relpath(self.warehouse.resolve(), self.project.resolve())
        return (
            os.environ
            | lake
            | {
                "INFRASPEND_WAREHOUSE": str(self.warehouse if self.spark else warehouse),
                "INFRASPEND_SEEDS": self.seeds,
                PARENT: str(os.getpid()),
            }
        )


@contextmanager
def parsing(setting: DbtSetting) -> Iterator[None]:
    """Has dbt parse the project while something else is done; the next build need not again.

    Args:
        setting: The project, warehouse and directories of that build.
    """
    with private():
        process = subprocess.Popen(
            setting.command("parse", "--quiet"),
            cwd=setting.project,
            env=setting.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    with process:
        try:
            yield
        except BaseException:
            process.terminate()
            raise


def run_dbt(setting: DbtSetting, arguments: Sequence[str], progress: Progress) -> DbtRun:
    """Runs `dbt build` and waits until it ends.

    Args:
        setting: The project, warehouse and directories.
        arguments: Further arguments of `dbt build`.
        progress: Gets a line for every seed and model that starts.

    Returns:
        What came of it. A failure is a result, not an exception.

    Raises:
        InfraspendError: Something is in the way of what dbt writes.
    """
    try:
        setting.logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InfraspendError(
            f"{setting.logs} cannot be written ({error.strerror}): move what is there away"
        ) from error
    results = setting.target / "run_results.json"
    results.unlink(missing_ok=True)
    with (
        (setting.logs / PRINTED).open("w", encoding="utf-8") as printed,
        subprocess.Popen(
            setting.command(
                "build",
                *("--log-format", "json", "--log-format-file", "text", "--no-print"),
                *arguments,
            ),
            cwd=setting.project,
            env=setting.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        complaint = _follow(process.stdout, printed, progress)
    if not results.is_file():
        reason = complaint or f"dbt stopped with status {process.returncode} and gave no reason"
        if process.returncode == -signal.SIGKILL:
            # Linux does so to the process that takes the most, when there is no memory left.
            reason = (
                "dbt was killed: if the machine has no memory left, set INFRASPEND_MEMORY to less"
                " than it has, and DuckDB puts the rest on the disk"
            )
        return DbtRun(nodes=(), complaint=reason)
    return _read_results(json.loads(results.read_text()), _read_manifest(setting.target))


def _follow(lines: Iterable[str], printed: TextIO, progress: Progress) -> str:
    """Reports dbt's progress while it runs; returns the last error that it logged.

    Args:
        lines: The output of dbt and of everything that it runs.
        printed: Gets the lines that are no log events of dbt.
        progress: Gets a line for every seed and model that starts.
    """
    complaint = ""
    last_printed: deque[str] = deque(maxlen=_LAST_LINES)
    for line in lines:
        event = _event(line)
        if event is None:
            printed.write(line)
            last_printed.append(line)
            continue
        node = event["data"].get("node_info", {})
        if event["info"]["name"] == "LogStartLine" and node["resource_type"] in ("model", "seed"):
            data = event["data"]
            text = f"{data['index']} of {data['total']}: {node['node_name']}"
            progress(Step(text, data["index"] - 1, data["total"]))
        if event["info"]["level"] == "error":
            # dbt puts a preamble before an exception's own message.
            complaint = event["data"].get("exc") or event["info"]["msg"]
    return one_line(complaint or "".join(last_printed))


def _event(line: str) -> dict[str, Any] | None:
    """The log event of dbt in a line; None for plain text: a crash, or output of Java."""
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return None
    return event if isinstance(event, dict) and "data" in event else None


def _read_manifest(target: Path) -> dict[str, Any]:
    """Every node of the project that can run, by its unique id."""
    manifest = json.loads((target / "manifest.json").read_text())
    nodes: dict[str, Any] = manifest["nodes"] | manifest["unit_tests"]
    return nodes


def _read_results(results: dict[str, Any], known: dict[str, Any]) -> DbtRun:
    """Combines dbt's results and its manifest."""
    nodes = tuple(
        Node(
            unique_id=result["unique_id"],
            name=known[result["unique_id"]]["name"],
            path=known[result["unique_id"]]["original_file_path"],
            status=result["status"],
            message=one_line(result["message"] or ""),
            rows=result["failures"] or 0,
            compiled=result["compiled_code"] or "",
            compiled_path=known[result["unique_id"]].get("compiled_path"),
        )
        for result in results["results"]
        if result["unique_id"] in known and not _is_quiet_hook(result)
    )
    return DbtRun(nodes=nodes, complaint="")


def _is_quiet_hook(result: dict[str, Any]) -> bool:
    """A hook of the project that succeeded: not reported."""
    return bool(result["unique_id"].startswith("operation.") and result["status"] in _GOOD)


def one_line(text: str) -> str:
    """A message of several lines, as one."""
    return " ".join(text.split())
