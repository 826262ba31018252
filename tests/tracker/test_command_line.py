"""`infraspend track` and `infraspend doctor`, as they are called."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infraspend.cli import app, main
from tests.tracker.reading import coverage, rows
from tests.tracker.servers import Scripted


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["track", *arguments])
    return result.exit_code, " ".join(result.output.split())


def test_track_collects_and_says_what(server: str, tmp_path: Path) -> None:
    config = tmp_path / "tracker.yml"
    config.write_text(
        "sources:\n"
        + "".join(
            f"  - {{cluster: {cluster}, prometheus: '{server}'}}\n"
            for cluster in ("cluster-0", "gap")
        )
    )
    hours = ["--since", "2026-11-01", "--until", "2026-11-01T01:00:00+00:00"]

    code, said = run("--config", str(config), *hours, "--to", str(tmp_path / "out"))

    assert code == 0
    assert "track: 2 hours in 2 collections (1 incomplete, 0 more never scraped, 0 rejects)" in said
    assert sorted(coverage(tmp_path / "out")) == [(50, 60), (60, 60)]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name --prometheus and --cluster, or --config"),
        (["--prometheus", "http://p"], "name --prometheus and --cluster, or --config"),
        (["--prometheus", "http://p", "--cluster", "a", "--since", "noon"], "'noon' is no hour"),
        (
            ["--prometheus", "http://p", "--cluster", "a", "--since", "2026-11-01T00:30"],
            "is no whole hour of UTC",
        ),
    ],
)
def test_wrong_usage_is_2(tmp_path: Path, arguments: list[str], says: str) -> None:
    code, said = run(*arguments, "--to", str(tmp_path))

    assert code == 2
    assert says in said.replace("│ ", "")


def test_labels_can_be_chosen_and_an_incomplete_hour_can_fail_the_run(
    server: str, tmp_path: Path
) -> None:
    where = ["--prometheus", server, "--to", str(tmp_path), "--since", "2026-11-01"]
    where += ["--until", "2026-11-01T01", "--fail-on-incomplete"]

    code, _ = run("--cluster", "facts", "--pod-label", "app.kubernetes.io/name", *where)
    assert code == 0
    assert rows(tmp_path, "pods", "labels") == [('{"app_kubernetes_io_name": "web"}',)]

    code, said = run("--cluster", "gap", *where)
    assert code == 1
    assert "1 hour in 1 collection (1 incomplete" in said
    assert len(coverage(tmp_path)) == 2


@pytest.mark.thorough
def test_the_doctor_looks_with_the_credentials_of_the_tracker_at_a_day_that_is_named(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKER_TOKEN", "t0ken")
    config = tmp_path / "tracker.yml"
    with Scripted(lambda *_: None, server) as watched:
        config.write_text(
            "sources:\n"
            f"  - {{cluster: gap, prometheus: '{watched.url}', token_env: TRACKER_TOKEN}}\n"
            "  - {cluster: gone, prometheus: 'http://127.0.0.1:9', pause: 0.01}\n"
        )
        by_file = CliRunner().invoke(app, ["doctor", "--config", str(config), "--at", AT])
        of_file = list(watched.requests)
        flags = ["--token-env", "TRACKER_TOKEN", "--header", "X-Scope-OrgID: platform"]
        CliRunner().invoke(app, ["doctor", "--prometheus", watched.url, *flags, "--at", AT])
        of_flags = watched.requests[len(of_file) :]

    assert by_file.exit_code == 1
    assert "good  gap: scraped every 60 s" in by_file.output
    assert "error  gone: http://127.0.0.1:9 cannot be reached" in by_file.output
    assert of_file and of_flags
    for _, _, headers in (*of_file, *of_flags):
        assert headers["Authorization"] == "Bearer t0ken"
    assert {headers["X-Scope-OrgID"] for _, _, headers in of_flags} == {"platform"}


AT = "2026-11-01T04"


def test_what_fails_is_1_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["infraspend", "doctor", "--prometheus", "ftp://p"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 1
    assert "'ftp://p' is no http:// or https:// address" in capsys.readouterr().err
