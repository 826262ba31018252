"""The command line as its users meet it: help that teaches, one line for an error, exit codes."""

import io
import re
import sys
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from infraspend import cli
from infraspend.loaders.result import Step
from tests.command_line.process import run
from tests.workspaces import Workspace


@pytest.mark.parametrize(
    ("verb", "teaches"),
    [
        ([], "infraspend load aws-cur --from DIR"),
        (["demo"], "infraspend demo"),
        (["simulate"], "infraspend simulate --out company"),
        (["load"], "exactly once"),
        (["load", "aws-cur"], "--since 2026-09"),
        (["load", "aws-cur"], "infraspend --engine spark load aws-cur"),
        (["load", "kubernetes"], "infraspend load kubernetes --from"),
        (["load", "platforms"], "infraspend load platforms --from"),
        (["build"], "--select true_cost+"),
        (["build"], "infraspend build --seeds ../our-facts"),
        (["build"], "--change-seeds"),
        (["doctor"], "--platform spark --from exports/ --seeds our-facts"),
        (["publish"], "infraspend publish --to"),
        (["dashboard"], "infraspend dashboard --to"),
        (["mcp"], "infraspend mcp --from /srv/finops"),
        (["notify"], "infraspend notify --digest week"),
        (["doctor"], "infraspend doctor --config"),
    ],
)
def test_help_teaches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: list[str], teaches: str
) -> None:
    monkeypatch.chdir(tmp_path)

    shown = CliRunner(env={"COLUMNS": "100"}).invoke(cli.app, [*verb, "--help"])

    assert shown.exit_code == 0
    assert teaches in shown.stdout
    assert not list(tmp_path.iterdir())


def test_help_shows_only_what_is_there() -> None:
    group = typer.main.get_command(cli.app)
    assert isinstance(group, typer.core.TyperGroup)

    assert sorted(group.list_commands(None)) == sorted(group.commands)


def test_version(tmp_path: Path) -> None:
    assert run("--version", cwd=tmp_path).stdout.startswith("infraspend 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-verb"],
        ["load", "aws-cur"],
        ["load", "aws-cur", "--from", ".", "--since", "2026-13"],
        ["load", "aws-cur", "--from", ".", "--until", "November"],
        ["simulate"],
        ["simulate", "--out", ".", "--days", "0"],
        ["simulate", "--out", ".", "--scale", "2.5"],
        ["build", "--target", "lint"],
        ["publish", "--no-such-option"],
    ],
)
def test_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.chdir(tmp_path)

    said = CliRunner().invoke(cli.app, arguments)

    assert said.exit_code == 2
    assert "Usage: " in said.stderr
    assert "Traceback" not in said.stderr


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["build"], "load a bill first"),
        (["publish"], "load a bill first"),
        (["publish", "--to", "ftp://host/prefix"], "ftp://host/prefix"),
        (["dashboard", "--to", "ftp://host/prefix"], "ftp://host/prefix"),
        (["export", "monthly_spend", "--to", "x.csv"], "run infraspend publish"),
        (["mcp"], "run infraspend publish"),
        (["load", "aws-cur", "--from", "nowhere"], "nowhere"),
        (["load", "aws-cur", "--from", "."], "anifest"),
        (["load", "kubernetes", "--from", "nowhere"], "nowhere"),
        (["load", "platforms", "--from", "nowhere"], "nowhere"),
        (["notify"], "notify.yml: there is no such file of services"),
    ],
)
def test_what_went_wrong_is_one_line(tmp_path: Path, arguments: list[str], says: str) -> None:
    said = run(*arguments, cwd=tmp_path)

    assert said.returncode == 1
    (line,) = (line for line in said.stderr.splitlines() if not line.startswith("20"))
    assert line.startswith("error: ")
    assert says in line
    assert said.stdout == ""


@pytest.mark.thorough
@pytest.mark.parametrize("arguments", [["--debug", "publish"], ["publish", "--debug"]])
def test_debug_shows_the_traceback(tmp_path: Path, arguments: list[str]) -> None:
    said = run(*arguments, cwd=tmp_path)

    assert said.returncode == 1
    assert "Traceback" in said.stderr


def test_what_nobody_expected_is_one_line_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr("infraspend.publishers.marts.publish", break_down)
    monkeypatch.setattr(sys, "argv", ["infraspend", "publish", "--to", str(tmp_path)])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: RuntimeError: out of luck (unexpected: --debug shows where)"
    ]


def test_publish_goes_beside_the_warehouse_of_the_environment(built: Workspace) -> None:
    said = run("publish", cwd=built.root, INFRASPEND_WAREHOUSE="warehouse/infraspend.duckdb")

    assert said.returncode == 0, said.stderr
    assert (built.root / "warehouse" / "published" / "infraspend.duckdb").is_file()


def test_long_work_has_a_bar_on_a_terminal_and_a_line_for_each_step_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    printed = {}
    for is_terminal in (True, False):
        file = io.StringIO()
        console = Console(file=file, force_terminal=is_terminal, width=100)
        monkeypatch.setattr(cli, "err", console)
        with cli._reporting("load") as progress:
            progress(Step("2 of 4: usage", 1, 4))
        printed[is_terminal] = file.getvalue()

    assert "load: 2 of 4: usage" in printed[True]
    assert "━━━━━" in printed[True]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ load: 2 of 4: usage\n", printed[False])
