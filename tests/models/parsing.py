"""What dbt makes of the project when it parses it."""

import subprocess
from pathlib import Path

from infraspend.builder.dbt import DBT
from tests.end_to_end.companies import ROOT


def run(target: Path, *arguments: str) -> str:
    """What dbt prints, with the datasets of FOCUS switched on."""
    done = subprocess.run(
        [
            *(*DBT, *arguments, "--vars", "{focus: true}"),
            *("--target-path", str(target), "--log-path", str(target)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
