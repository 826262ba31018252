"""The tracker in a cluster: manifests that Kubernetes takes, and an image without a warehouse."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import typer
import yaml

from infraspend.cli import app
from infraspend.loaders.kubernetes.sources import read_sources
from tests.tracker.reading import coverage

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy" / "tracker"
VERSIONS = ("1.27", "1.34")
WAREHOUSE = ("dbt", "dlt", "duckdb", "_duckdb", "sqlglot", "fsspec", "jinja2", "filelock")


def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "tracker.yaml").read_text()))


def pod() -> dict[str, Any]:
    (job,) = (one for one in documents() if one["kind"] == "CronJob")
    spec: dict[str, Any] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize("version", VERSIONS)
def test_the_manifest_is_what_kubernetes_takes(version: str) -> None:
    kinds = [document["kind"] for document in documents()]
    assert kinds == ["Namespace", "ServiceAccount", "ConfigMap", "CronJob"]
    for document in documents():
        kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("mistake", [{"concurrencyPolice": "Forbid"}, {"suspend": "yes please"}])
def test_the_validator_bites(mistake: dict[str, str]) -> None:
    *_, job = documents()
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job | {"spec": job["spec"] | mistake}, "1.34", strict=True)


def test_it_runs_as_nobody_on_a_root_that_it_cannot_write() -> None:
    spec = pod()
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    # No secret stands in the manifest.
    assert all("value" not in one for one in container["env"])
    assert all(one["valueFrom"]["secretKeyRef"]["name"] for one in container["env"])


def test_the_command_and_its_configuration_are_ours(tmp_path: Path) -> None:
    verb, *arguments = pod()["containers"][0]["args"]
    command = typer.main.get_command(app).commands[verb]  # type: ignore[attr-defined]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {one for one in arguments if one.startswith("--")} <= known
    # Those that are commented out, too.
    said = (DEPLOY / "tracker.yaml").read_text()
    assert set(re.findall(r"- (--[a-z-]+)", said)) <= known
    (config,) = (one for one in documents() if one["kind"] == "ConfigMap")
    file = tmp_path / "tracker.yml"
    file.write_text(config["data"]["tracker.yml"])
    assert [one.cluster for one in read_sources(file)] == ["prod"]


def test_the_image_has_every_package_and_the_user_of_the_manifest() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    for folder in ("infraspend", "loaders"):
        assert f"COPY {folder} {folder}\n" in dockerfile
    context = pod()["securityContext"]
    assert f"USER {context['runAsUser']}:{context['runAsGroup']}" in dockerfile


def names(requirements: list[str]) -> Iterator[str]:
    for one in requirements:
        yield re.split(r"[^a-z0-9-]", one)[0]


def test_the_tracker_asks_for_neither_dbt_nor_duckdb() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {*names(project["optional-dependencies"]["tracker"])}
    assert needed & {"dbt-core", "dbt-duckdb", "dlt", *WAREHOUSE} == set()
    # It asks for nothing else that the whole does not.
    assert needed - {*names(project["dependencies"])} == {"pyarrow"}


BLOCKED = f"""
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {WAREHOUSE}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Blocked())
from infraspend.cli import main
main()
"""


def without_a_warehouse(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs the command line where none of the warehouse's packages is installed."""
    return subprocess.run(
        [sys.executable, "-c", BLOCKED, *arguments], cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.thorough
def test_the_tracker_runs_without_them(server: str, tmp_path: Path) -> None:
    where = ["--prometheus", server, "--cluster", "gap", "--to", str(tmp_path / "out")]
    hours = ["--since", "2026-11-01", "--until", "2026-11-01T01"]
    gauges = tmp_path / "tracker.prom"

    done = without_a_warehouse("track", *where, *hours, "--gauges", str(gauges))

    assert done.returncode == 0, done.stderr
    assert coverage(tmp_path / "out") == [(50, 60)]
    text = gauges.read_text()
    assert 'infraspend_tracker_success{cluster="gap"} 1.0' in text
    assert 'infraspend_tracker_hours_behind{cluster="gap"} 0.0' in text
    assert re.search(r'infraspend_tracker_coverage\{cluster="gap"\} 0.8333', text)
    assert 'infraspend_tracker_rejected_values{cluster="gap"} 0.0' in text
    assert "infraspend_tracker_duration_seconds" in text
    looked = without_a_warehouse("doctor", "--prometheus", server, "--at", "2026-11-01T04")
    assert "scraped every 60 s" in looked.stdout


def test_gauges_that_cannot_be_written_hide_no_cluster_that_failed(
    server: str, tmp_path: Path
) -> None:
    where = ["--prometheus", server, "--cluster", "nowhere", "--to", str(tmp_path / "out")]
    hours = ["--since", "2026-11-01", "--until", "2026-11-01T01"]

    done = without_a_warehouse("track", *where, *hours, "--gauges", str(tmp_path / "no" / "where"))

    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert "cluster nowhere: no series has" in said
    assert "gauges cannot be written to" in said
    assert "track: 0 hours" in done.stdout


def test_what_needs_a_warehouse_says_how_to_get_it(tmp_path: Path) -> None:
    done = without_a_warehouse("load", "kubernetes", "--from", str(tmp_path))

    assert done.returncode == 1
    assert "pip install infraspend" in done.stderr
