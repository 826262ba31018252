"""Runs `infraspend` as a user does: in a process of its own, from any directory."""

import os
import subprocess
import sys
from pathlib import Path

INFRASPEND = Path(sys.executable).with_name("infraspend")


def run(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a command printed and how it ended; variables of the test's own environment aside."""
    clean = {name: value for name, value in os.environ.items() if "INFRASPEND" not in name}
    return subprocess.run(
        [INFRASPEND, *arguments],
        cwd=cwd,
        env=clean | {"COLUMNS": "100"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
