"""The examples of docs/schedule.md run the verbs, in their order, and go on after what fails.

Most runs start a command that notes how it was called; the options are compared with those of the
command line. One starts `infraspend` itself.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import typer
import yaml

from infraspend.cli import app
from infraspend.publishers import DATABASE_NAME
from tests.command_line.process import INFRASPEND
from tests.fixtures.make_company import COMPANY

ROOT = Path(__file__).parents[2]
SCHEDULE = ROOT / "deploy" / "schedule"
WAREHOUSE = ROOT / "deploy" / "warehouse"
NOTING = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in ${FAILS:-nothing}*) echo "error: it failed" >&2; exit 1;; esac
"""
LOADS = [
    "load aws-cur --from a bill",
    "load kubernetes --from usage",
    "load platforms --from pushed",
]
ALL = [*LOADS, "build", "publish", "publish --to s3://marts", "notify"]
SOURCES = {"BILL": "a bill", "KUBERNETES": "usage", "PLATFORMS": "pushed"}
TARGETS = {"PUBLISH_TO": "s3://marts", "INFRASPEND_NOTIFY": "notify.yml"}


def noting(tmp_path: Path, **variables: str) -> dict[str, str]:
    """An environment in which `infraspend` notes its calls in the file `calls`."""
    command = tmp_path / "bin" / "infraspend"
    command.parent.mkdir()
    command.write_text(NOTING)
    command.chmod(0o755)
    path = f"{command.parent}:{os.environ['PATH']}"
    return {"PATH": path, "CALLS": str(tmp_path / "calls"), "HOME": str(tmp_path), **variables}


def calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


def run(command: Sequence[str | Path], **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def daily(**environment: str) -> "subprocess.CompletedProcess[str]":
    return run([SCHEDULE / "daily.sh"], **environment)


def test_the_script_runs_every_verb_once(tmp_path: Path) -> None:
    done = daily(**noting(tmp_path, **SOURCES, **TARGETS, DASHBOARD="pages"))

    assert (done.returncode, done.stderr) == (0, "")
    assert calls(tmp_path) == [*ALL[:-1], "dashboard --to pages", "notify"]


def test_without_usage_it_loads_the_bill_alone(tmp_path: Path) -> None:
    assert daily(**noting(tmp_path, BILL="a bill")).returncode == 0
    assert calls(tmp_path) == [LOADS[0], "build", "publish"]


@pytest.mark.parametrize("load", ["load aws-cur", "load kubernetes", "load platforms"])
def test_a_load_that_fails_stops_no_other_and_is_not_forgotten(tmp_path: Path, load: str) -> None:
    done = daily(**noting(tmp_path, **SOURCES, **TARGETS, FAILS=load.replace(" ", "?")))

    assert done.returncode == 1
    assert calls(tmp_path) == ALL


def test_a_build_that_fails_is_not_published_and_people_hear_of_it(tmp_path: Path) -> None:
    done = daily(**noting(tmp_path, **SOURCES, **TARGETS, FAILS="build"))

    assert done.returncode == 1
    assert calls(tmp_path) == [*LOADS, "build", "notify"]


@pytest.mark.parametrize("verb", ["publish", "notify", "publish?--to"])
def test_whatever_fails_is_not_forgotten(tmp_path: Path, verb: str) -> None:
    assert daily(**noting(tmp_path, **SOURCES, **TARGETS, FAILS=verb)).returncode == 1


def test_the_options_are_those_of_the_command_line() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for call in (*ALL, "dashboard --to pages"):
        verb, *words = call.split()
        command = commands[verb].commands[words[0]] if verb == "load" else commands[verb]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known


def crontab() -> list[str]:
    lines = (SCHEDULE / "crontab").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_cron_starts_the_tracker_and_the_script_with_what_they_need(tmp_path: Path) -> None:
    settings = dict(line.split("=", 1) for line in crontab() if "=" in line.split(" ")[0])
    commands = [line.split(maxsplit=6)[6] for line in crontab() if line[0].isdigit()]
    assert [line.split(maxsplit=6)[5] for line in crontab() if line[0].isdigit()] == [
        "infraspend",
        "infraspend",
    ]
    environment = noting(tmp_path, **{key: settings[key] for key in settings if key != "PATH"})
    for command in commands:
        here = command.replace("/srv/infraspend", str(tmp_path)).replace(
            "daily.sh", str(SCHEDULE / "daily.sh")
        )
        # Without what goes to syslog.
        assert run(["sh", "-c", here.removesuffix(" 2>&1 | logger -t infraspend")], **environment)
    track, *rest = calls(tmp_path)
    assert track.startswith("track --config ")
    assert [call.split()[0] for call in rest] == [
        *("load", "load", "load", "build", "publish", "publish", "notify")
    ]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in (SCHEDULE / "systemd").iterdir():
        # As if the script and the command were where the units look for them.
        text = unit.read_text().replace("/opt/infraspend/bin/daily.sh", f"{SCHEDULE}/daily.sh")
        text = text.replace("/opt/infraspend/bin", str(INFRASPEND.parent))
        (tmp_path / unit.name).write_text(text)
    units = sorted(map(str, tmp_path.glob("infraspend-*")))
    assert len(units) == 4

    verified = run(["systemd-analyze", "verify", "--man=no", *units], PATH=os.environ["PATH"])

    assert (verified.returncode, verified.stderr) == (0, "")


def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((WAREHOUSE / "warehouse.yaml").read_text()))


@pytest.mark.parametrize("version", ["1.29", "1.34"])
def test_kubernetes_takes_the_manifest(version: str) -> None:
    kinds = [document["kind"] for document in documents()]
    assert kinds == ["Namespace", "ServiceAccount", "PersistentVolumeClaim", "CronJob"]
    for document in documents():
        kubernetes_validate.validate(document, version, strict=True)


def test_the_image_has_the_project_and_the_user_of_the_manifest() -> None:
    (job,) = (one for one in documents() if one["kind"] == "CronJob")
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    dockerfile = (WAREHOUSE / "Dockerfile").read_text()
    for folder in ("infraspend", "loaders", "models", "macros", "seeds", "tests", "analyses"):
        assert f"COPY {folder} {folder}" in dockerfile
    assert "COPY deploy/schedule/daily.sh" in dockerfile
    context = pod["securityContext"]
    assert f"USER {context['runAsUser']}:{context['runAsGroup']}" in dockerfile
    assert container["command"] == ["daily.sh"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    names = {one["name"] for one in container["env"]}
    assert {"INFRASPEND_WAREHOUSE", "INFRASPEND_SEEDS", "BILL", "PUBLISH_TO"} <= names


def environment_with(requirement: str, home: Path) -> Path:
    """The programs of an environment of its own."""
    programs = home / "bin"
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    subprocess.run([programs / "pip", "install", "--quiet", "uv"], check=True)
    install = ["pip", "install", "--quiet", "--python", programs / "python", requirement]
    subprocess.run([programs / "uv", *install], check=True)
    return programs


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment_with("dagster>=1.13,<1.14", tmp_path_factory.mktemp("dagster")) / "dagster"


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    programs = environment_with("apache-airflow>=3.3,<3.4", tmp_path_factory.mktemp("airflow"))
    return programs / "airflow"


def in_dagster(dagster: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return run(
        [
            dagster,
            *("job", "execute", "-j", "infraspend_daily"),
            *("-f", SCHEDULE / "dagster_infraspend.py"),
        ],
        **environment,
    )


@pytest.mark.thorough
def test_dagster_runs_the_verbs_and_goes_on_after_a_load_that_failed(
    dagster: Path, tmp_path: Path
) -> None:
    environment = noting(tmp_path, **SOURCES, **TARGETS)

    done = in_dagster(dagster, **environment)

    assert done.returncode == 0, done.stderr
    assert sorted(calls(tmp_path)[:3]) == LOADS
    assert calls(tmp_path)[3:] == ALL[3:]
    (tmp_path / "calls").unlink()

    done = in_dagster(dagster, **environment, FAILS="load?kubernetes")

    assert done.returncode == 0, done.stderr
    assert "everything_landed" in done.stderr
    assert calls(tmp_path)[3:] == ALL[3:]
    (tmp_path / "calls").unlink()

    assert in_dagster(dagster, **environment, FAILS="build").returncode == 1
    assert calls(tmp_path)[3:] == ["build"]


IN_AIRFLOW = """
import runpy, sys
run = runpy.run_path(sys.argv[1])["dag"].test()
print("STATE", run.state.value)
"""


@pytest.mark.thorough
def test_airflow_runs_the_verbs_and_ends_as_failed_after_a_load_that_failed(
    airflow: Path, tmp_path: Path
) -> None:
    environment = noting(
        tmp_path,
        **SOURCES,
        **TARGETS,
        AIRFLOW_HOME=str(tmp_path / "airflow"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__DAGS_FOLDER=str(SCHEDULE),
    )
    migrated = run([airflow, "db", "migrate"], **environment)
    assert migrated.returncode == 0, migrated.stderr
    python = [airflow.with_name("python"), "-c", IN_AIRFLOW, SCHEDULE / "airflow_infraspend.py"]

    for fails, state, expected in (
        ("nothing", "success", ALL[3:]),
        ("load?kubernetes", "failed", ALL[3:]),
        ("build", "failed", ["build", "notify"]),
    ):
        done = run(python, **environment, FAILS=fails)
        assert f"STATE {state}" in done.stdout, done.stderr
        assert sorted(calls(tmp_path)[:3]) == LOADS
        assert calls(tmp_path)[3:] == expected
        (tmp_path / "calls").unlink()


@pytest.mark.thorough
def test_the_script_makes_what_people_read(tmp_path: Path) -> None:
    done = daily(
        PATH=f"{INFRASPEND.parent}:{os.environ['PATH']}",
        HOME=str(tmp_path),
        INFRASPEND_WAREHOUSE=str(tmp_path / "infraspend.duckdb"),
        INFRASPEND_SEEDS=str(COMPANY / "seeds"),
        BILL=str(COMPANY / "bill"),
        KUBERNETES=str(COMPANY / "kubernetes"),
        PLATFORMS=str(COMPANY / "platforms"),
        PUBLISH_TO=str(tmp_path / "for people"),
        DASHBOARD=str(tmp_path / "pages"),
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "for people" / DATABASE_NAME).exists()
    assert (tmp_path / "pages" / "index.html").exists()
