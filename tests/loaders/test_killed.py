"""A process that is killed at any moment leaves nothing that the next run does not put right."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from loaders import aws_cur
from loaders.warehouse import KILL_AT
from tests.loaders.bills import charge, deliver_legacy, text_of
from tests.loaders.queries import content

STAGES = [
    "files_verified",
    "lines_counted",
    "lines_landed",
    "assembly_recorded",
]
RANDOM_KILLS = 4


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bucket = tmp_path_factory.mktemp("bucket")
    lines = [charge(lineItem__UnblendedCost=f"0.{number:010}") for number in range(20_000)]
    for month in (9, 10):
        period = f"2026{month:02}01-2026{month + 1:02}01"
        deliver_legacy(bucket, text_of(lines), period=period, assembly=f"assembly-{month}")
    return bucket


@pytest.fixture(scope="module")
def clean(bucket: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What the warehouse holds after a run that nobody disturbed."""
    warehouse = tmp_path_factory.mktemp("clean") / "infraspend.duckdb"
    aws_cur.load(warehouse, str(bucket))
    return content(warehouse, "raw_aws_cur")


def start(warehouse: Path, bucket: Path, **environment: str) -> subprocess.Popen[bytes]:
    program = (
        "import sys, pathlib, loaders.aws_cur;"
        "loaders.aws_cur.load(pathlib.Path(sys.argv[1]), sys.argv[2])"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, str(warehouse), str(bucket)],
        env=os.environ | environment,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("stage", STAGES)
def test_a_run_after_a_kill_ends_like_a_clean_one(
    warehouse: Path, bucket: Path, clean: dict[str, list[Any]], stage: str
) -> None:
    killed = start(warehouse, bucket, **{KILL_AT: stage})
    assert killed.wait() == -signal.SIGKILL

    aws_cur.load(warehouse, str(bucket))

    assert content(warehouse, "raw_aws_cur") == clean


def test_runs_after_kills_at_random_end_like_a_clean_one(
    warehouse: Path, bucket: Path, clean: dict[str, list[Any]]
) -> None:
    chance = random.Random(20261123)
    for _ in range(RANDOM_KILLS):
        running = start(warehouse, bucket)
        # From before the imports are done to well into the second assembly.
        time.sleep(chance.uniform(1, 8))
        running.kill()
        running.wait()

    aws_cur.load(warehouse, str(bucket))

    assert content(warehouse, "raw_aws_cur") == clean
