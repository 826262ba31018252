"""`infraspend track` and `infraspend doctor`, as they are called."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infraspend import app, main
from tests.tracker.reading import coverage


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


def test_what_fails_is_1_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["infraspend", "doctor", "--prometheus", "ftp://p"])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 1
    assert "'ftp://p' is no http:// or https:// address" in capsys.readouterr().err
