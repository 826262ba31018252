"""A process that is killed at any moment leaves nothing that the next run does not put right."""

import multiprocessing
import os
import random
import shutil
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from infraspend.loaders import aws_cur
from infraspend.loaders.warehouse import KILL_AT
from tests.loaders.bills import charge, cur2_table, deliver_cur2, deliver_legacy, text_of
from tests.loaders.queries import content, rows

STAGES = [
    "files_verified",
    "lines_counted",
    "lines_landed",
    "assembly_recorded",
]
KILLS = 100

# Its children start with everything imported: a kill costs the load that it interrupts, no more.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["infraspend.loaders.aws_cur"])


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bucket = tmp_path_factory.mktemp("bucket")
    lines = [charge(lineItem__UnblendedCost=f"0.{number:010}") for number in range(10_000)]
    deliver_legacy(bucket, text_of(lines), period="20260901-20261001", assembly="assembly-9")
    deliver_cur2(bucket, cur2_table(10_000), period="2026-10")
    return bucket


@pytest.fixture(scope="module")
def clean(bucket: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What the warehouse holds after a run that nobody disturbed."""
    warehouse = tmp_path_factory.mktemp("clean") / "infraspend.duckdb"
    aws_cur.load(warehouse, str(bucket))
    return content(warehouse, "raw_aws_cur")


def run(warehouse: Path, bucket: Path, says: Connection, stage: str | None) -> None:
    """Loads, in a process of its own."""
    if stage is not None:
        os.environ[KILL_AT] = stage
    aws_cur.load(warehouse, str(bucket), progress=lambda text: says.send(str(text)))
    says.send("done")


def start(warehouse: Path, bucket: Path, stage: str | None = None) -> tuple[Any, Connection]:
    hears, says = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=run, args=(warehouse, bucket, says, stage))
    process.start()
    says.close()
    return process, hears


def heard(connection: Connection) -> list[str]:
    """What a process said before it ended."""
    said = []
    try:
        while True:
            said.append(connection.recv())
    except (EOFError, OSError):
        return said


@pytest.mark.parametrize(
    "stage",
    [
        stage if stage == "lines_landed" else pytest.param(stage, marks=pytest.mark.thorough)
        for stage in STAGES
    ],
)
def test_a_run_after_a_kill_ends_like_a_clean_one(
    warehouse: Path, bucket: Path, clean: dict[str, list[Any]], stage: str
) -> None:
    killed, _ = start(warehouse, bucket, stage)
    killed.join()
    assert killed.exitcode == -signal.SIGKILL

    aws_cur.load(warehouse, str(bucket))

    assert content(warehouse, "raw_aws_cur") == clean


@pytest.mark.thorough
def test_a_hundred_kills_at_random_end_like_a_clean_run(
    empty_warehouse: Path, bucket: Path, tmp_path: Path, clean: dict[str, list[Any]]
) -> None:
    chance = random.Random(20261123)
    warehouse = tmp_path / "infraspend.duckdb"
    shutil.copy(empty_warehouse, warehouse)
    began = time.monotonic()
    undisturbed, hears = start(warehouse, bucket)
    assert heard(hears)[-1] == "done"
    undisturbed.join()
    duration = time.monotonic() - began

    kills = in_the_middle = completed = 0
    shutil.copy(empty_warehouse, warehouse)
    while kills < KILLS:
        running, hears = start(warehouse, bucket)
        time.sleep(chance.uniform(0, duration))
        running.kill()
        running.join()
        said = heard(hears)
        if "done" in said:
            completed += 1
            assert content(warehouse, "raw_aws_cur") == clean
            shutil.copy(empty_warehouse, warehouse)
            continue
        kills += 1
        if said and "landing" in said[-1]:
            # The last that it did was to insert, compare and record an assembly.
            in_the_middle += 1
        # Whatever was interrupted, what counts is whole assemblies.
        assert (
            rows(
                warehouse,
                "select assembly_id from raw_aws_cur.assemblies as assemblies where line_count <>"
                " (select count(*) from raw_aws_cur.line_items where _assembly_id = assembly_id)",
            )
            == []
        )

    aws_cur.load(warehouse, str(bucket))
    assert content(warehouse, "raw_aws_cur") == clean
    assert in_the_middle >= KILLS // 10
    print(f"{kills} kills, {in_the_middle} inside a landing, {completed} runs ended before theirs")
