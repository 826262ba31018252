"""What the doctor finds really happens here, and is gone once its own advice was followed."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from infraspend import cli
from infraspend.builder.diagnosis import diagnose
from infraspend.loaders import aws_cur, platforms
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.findings import Finding, Level
from infraspend.loaders.warehouse import KILL_AT
from tests.command_line.process import INFRASPEND, run
from tests.loaders.bills import charge, deliver_legacy, text_of
from tests.workspaces import Workspace, load

USAGE = "usage_hour,platform,sub_platform,lyft_label,usage\n"
GOOD = USAGE + "2026-11-01T00:00:00Z,spark,jobs,api,1\n"

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("no_variables")]


@pytest.fixture
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if "INFRASPEND" in name]:
        monkeypatch.delenv(name)


def errors(warehouse: Path, project: Path | None = None) -> list[Finding]:
    """What the doctor says is wrong, but for a warehouse that was only loaded."""
    found = diagnose(warehouse, project or warehouse.parent, warehouse.parent / "published")
    is_of_loads = project is None
    return [
        one
        for one in found
        if one.level is Level.ERROR
        and not (is_of_loads and one.text.startswith(("was never", "has nothing")))
    ]


def follow(finding: Finding, warehouse: Path, directory: Path) -> None:
    """Runs the command that the doctor advises, in a shell as somebody would."""
    command = finding.command.replace("DIR", f"'{directory}'")
    done = subprocess.run(
        command,
        shell=True,
        env=os.environ
        | {
            "INFRASPEND_WAREHOUSE": str(warehouse),
            "PATH": f"{INFRASPEND.parent}:{os.environ['PATH']}",
        },
        cwd=warehouse.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with a bill of one month, and the bill."""
    root = tmp_path_factory.mktemp("loaded")
    path = root / "warehouse" / "infraspend.duckdb"
    aws_cur.load(path, str(bill(root)))
    assert errors(path) == []
    return root


@pytest.fixture
def warehouse(loaded: Path, tmp_path: Path) -> Path:
    """A warehouse of the test's own, with a bill of one month."""
    shutil.copytree(loaded, tmp_path, dirs_exist_ok=True)
    return tmp_path / "warehouse" / "infraspend.duckdb"


def bill(tmp_path: Path, *months: int) -> Path:
    """The bills of some months of 2026."""
    for month in months or (10,):
        period = f"2026{month:02}01-2026{month + 1:02}01"
        deliver_legacy(
            tmp_path / "bill", text_of([charge()] * 3), period=period, assembly=f"a{month}"
        )
    return tmp_path / "bill"


def publish(tmp_path: Path, text: str, name: str = "usage.csv") -> Path:
    file = tmp_path / "platforms" / "spark" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return tmp_path / "platforms"


def change(warehouse: Path, *statements: str) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_warehouse_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "infraspend.duckdb"
    (finding,) = errors(path)
    assert str(finding) == (
        f"error  {path}: is not there; fix it with: infraspend load aws-cur --from DIR"
    )
    follow(finding, path, bill(tmp_path))
    assert errors(path) == []
    # What it says next is not fixed by the same command.
    assert [one.text for one in diagnose(path, tmp_path, tmp_path)] == ["was never built"]


@contextmanager
def running(code: str) -> Iterator["subprocess.Popen[str]"]:
    """A process of Python's that runs until it is ended, once it has said that it is ready."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import time\n{code}\n    print('ready', flush=True); time.sleep(600)",
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize(
    "code",
    [
        "from infraspend.loaders.open_warehouse import open_warehouse\nfrom pathlib import Path\n"
        "with open_warehouse(Path({!r})):",
        "import duckdb\nwith duckdb.connect({!r}) as connection:",
    ],
)
def test_a_process_that_hangs_with_the_warehouse(
    warehouse: Path, tmp_path: Path, code: str
) -> None:
    with running(code.format(str(warehouse))) as process:
        (finding,) = errors(warehouse)
        assert f"is in use by process {process.pid} (" in finding.text
        assert finding.command == f"kill -9 {process.pid}"
        follow(finding, warehouse, tmp_path)
        process.wait(60)
    # What the killed load has left is another finding, and the next load fixes it.
    for left in errors(warehouse):
        follow(left, warehouse, tmp_path / "bill")
    assert errors(warehouse) == []


@pytest.mark.parametrize("stage", ["parts_landed", "lines_landed"])
def test_a_load_that_was_interrupted(warehouse: Path, tmp_path: Path, stage: str) -> None:
    is_bill = stage == "lines_landed"
    source = bill(tmp_path, 11) if is_bill else publish(tmp_path, GOOD)
    verb = "aws-cur" if is_bill else "platforms"
    command = ("load", verb, "--from", source, "--warehouse", warehouse)
    killed = run(*command, cwd=tmp_path, **{KILL_AT: stage})
    assert killed.returncode == -signal.SIGKILL

    rows, folder = errors(warehouse)
    assert re.search(
        r"has rows of no delivery \(3 of line_items.*\)" if is_bill else r"\(1 of usage\)",
        rows.text,
    )
    assert folder.text == "was left by a load that was interrupted"
    follow(rows, warehouse, source)
    assert errors(warehouse) == []


def test_periods_that_are_pending_or_missing(warehouse: Path, tmp_path: Path) -> None:
    source = bill(tmp_path, 8)
    aws_cur.load(warehouse, str(source))
    (missing,) = errors(warehouse)
    assert str(missing) == (
        "error  hourly of payer 000111111111, 2026-09: is missing, and the billing periods around"
        " it are there; fix it with: infraspend load aws-cur --from DIR --since 2026-09 --until"
        " 2026-09"
    )
    bill(tmp_path, 9)
    (file,) = source.rglob("*20260901*/a9/*.csv.gz")
    file.rename(tmp_path / "not-copied-yet")
    aws_cur.load(warehouse, str(source))
    (pending,) = errors(warehouse)
    assert pending.text.startswith("is pending: ")
    (tmp_path / "not-copied-yet").rename(file)
    follow(pending, warehouse, source)
    assert errors(warehouse) == []


@pytest.mark.parametrize(
    "damage",
    [
        "delete from raw_aws_cur.line_items where rowid = 0",
        "update raw_aws_cur.line_items set line_item_unblended_cost = 5 where rowid = 0",
        "delete from raw_aws_cur.control_totals",
    ],
)
def test_totals_that_fail(warehouse: Path, tmp_path: Path, damage: str) -> None:
    change(warehouse, damage)
    (finding,) = errors(warehouse)
    assert "were delivered" in finding.text
    assert finding.command == (
        "infraspend load aws-cur --from DIR --report hourly --since 2026-10 --until 2026-10 --again"
    )
    follow(finding, warehouse, tmp_path / "bill")
    assert errors(warehouse) == []
    # The others are left alone, and without --again it is, too.
    result = aws_cur.load(warehouse, str(tmp_path / "bill"))
    assert (result.landed, result.skipped) == (0, 1)


def test_what_was_refused(warehouse: Path, tmp_path: Path) -> None:
    source = publish(tmp_path, GOOD + "2026-11-01T01:00:00Z,spark,jobs,api,-1\n")
    platforms.load(warehouse, str(source))
    (hour,) = errors(warehouse)
    assert hour.text.endswith("spark/usage.csv, row 2: usage is negative: -1")
    publish(tmp_path, GOOD + "2026-11-01T01:00:00Z,spark,jobs,api,1\n")
    follow(hour, warehouse, source)
    assert errors(warehouse) == []

    publish(tmp_path, "usage\n1\n", "other.csv")
    with pytest.raises(InfraspendError):
        platforms.load(warehouse, str(source))
    (file,) = errors(warehouse)
    assert "has 1 that were not delivered again" in file.text
    publish(tmp_path, GOOD, "other.csv")
    follow(file, warehouse, source)
    assert errors(warehouse) == []


def test_a_damaged_bill(warehouse: Path, tmp_path: Path) -> None:
    source = bill(tmp_path, 11)
    (file,) = source.rglob("*20261101*/a11/*.csv.gz")
    whole = file.read_bytes()
    file.write_bytes(whole[:-9])
    with pytest.raises(InfraspendError):
        aws_cur.load(warehouse, str(source))
    (finding,) = errors(warehouse)
    assert finding.subject == "raw_aws_cur.rejects"
    file.write_bytes(whole)
    follow(finding, warehouse, source)
    assert errors(warehouse) == []


@pytest.mark.parametrize(
    ("older", "says"),
    [
        ("alter table raw_aws_cur.control_totals drop lines_with_net", "control_totals.lines_with"),
        (
            "drop table raw_platforms.rejects",
            "rejects.file, rejects.row_number, rejects.reason and",
        ),
        (
            "alter table raw_kubernetes.node_hours alter running_hours type decimal(18, 4)",
            "other columns than this version: node_hours.running_hours is DECIMAL(18,4) and not",
        ),
    ],
)
def test_tables_of_another_version(warehouse: Path, tmp_path: Path, older: str, says: str) -> None:
    change(warehouse, older)
    (finding,) = errors(warehouse)
    assert says in finding.text
    sources = {"aws-cur": tmp_path / "bill", "platforms": publish(tmp_path, GOOD)}
    if "kubernetes" in finding.command:
        # Whatever is loaded first: there is no cluster here.
        finding = Finding("", "", command=finding.command.split(", and load")[0])
        follow(finding, warehouse, tmp_path)
        (finding,) = errors(warehouse)
    verb = "platforms" if "load platforms" in finding.command else "aws-cur"
    follow(finding, warehouse, sources[verb])
    assert errors(warehouse) == []


def of_another_version(path: Path) -> None:
    """Writes a storage version that no DuckDB has yet, and the checksum that belongs to it."""

    def part_of_checksum() -> int:
        # DuckDB's: each word times this number, all of them xored.
        return int.from_bytes(content[8:16], "little") * 0xBF58476D1CE4E5B9 % (1 << 64)

    content = bytearray(path.read_bytes())
    assert content[8:12] == b"DUCK"
    before = part_of_checksum()
    content[12:16] = (9999).to_bytes(4, "little")
    checksum = int.from_bytes(content[:8], "little") ^ before ^ part_of_checksum()
    content[:8] = checksum.to_bytes(8, "little")
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (of_another_version, "was written by another DuckDB than "),
        (lambda path: path.write_bytes(b"no database at all" * 1000), "is no DuckDB file"),
    ],
)
def test_files_that_cannot_be_read(
    warehouse: Path, tmp_path: Path, harm: Callable[[Path], None], says: str
) -> None:
    harm(warehouse)
    (finding,) = errors(warehouse)
    assert says in finding.text
    move = re.search(r"mv \S+ \S+\.old", finding.command)
    load_again = re.search("infraspend load .*", finding.command)
    assert move
    assert load_again
    follow(Finding("", "", command=move[0]), warehouse, tmp_path)
    follow(Finding("", "", command=load_again[0]), warehouse, tmp_path / "bill")
    assert errors(warehouse) == []


def test_a_disk_that_is_nearly_full(warehouse: Path) -> None:
    published = warehouse.parent / "published"
    published.mkdir()
    # Sparse: as much as the next publish would have to write beside it.
    with (published / "large.parquet").open("wb") as file:
        file.truncate(shutil.disk_usage(published).free)
    (finding,) = errors(warehouse)
    assert "GiB left on its disk" in finding.text
    command, _, advice = finding.command.partition(",")
    follow(Finding("", "", command=command), warehouse, warehouse)
    assert advice.startswith(" and make room")
    (published / "large.parquet").unlink()
    assert errors(warehouse) == []


def test_a_build_that_fails_or_is_older_than_what_it_is_made_from(built: Workspace) -> None:
    def found() -> list[str]:
        findings = errors(built.warehouse, built.project)
        assert {one.command for one in findings} <= {"infraspend build"}
        return [one.text for one in findings]

    assert found() == []
    load(built.warehouse, "another-delivery")
    assert found() == ["was built before the last loads of raw_platforms"]
    assert built.build().succeeded
    assert found() == []

    change(
        built.warehouse,
        "insert into raw_platforms.schedules (_delivery_id, _dlt_load_id)"
        " values ('a-delivery', 'a-delivery')",
    )
    assert found() == ["was built before somebody changed rows of raw_platforms"]
    assert built.build().succeeded
    assert found() == []

    # What a test of dbt's own refuses, and not the check of seeds before it.
    seed = built.seeds / "platform_resources.csv"
    before = seed.read_text()
    seed.write_text(before + "no-such-platform,main,a-label,,,,,\n")
    assert found() == ["was built before seeds or models were edited"]
    assert not built.build().succeeded
    (failed,) = found()
    assert failed.startswith("the last build failed: relationships_")
    assert failed.endswith(": its last run ended with: fail")
    seed.write_text(before)
    assert built.build().succeeded
    assert found() == []


def test_a_build_that_was_killed(fresh: Workspace) -> None:
    (finding,) = errors(fresh.warehouse, fresh.project)
    assert (finding.text, finding.command) == ("was never built", "infraspend build --seeds DIR")
    (fresh.project / "models" / "marts" / "orgs.sql").write_text(
        "select 'a' as org, (select count(*) from range(100000000000) where random() > 2) as teams"
    )
    command = ["from pathlib import Path", "from tests.workspaces import Workspace"]
    command.append(f"Workspace(Path({str(fresh.root)!r})).build()")
    building = subprocess.Popen(
        [sys.executable, "-c", "; ".join(command)],
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    )
    log = fresh.artifacts / "logs" / "dbt.log"
    for _ in range(1200):
        if log.is_file() and "START sql table model marts.orgs" in log.read_text():
            break
        time.sleep(0.1)
    (held,) = errors(fresh.warehouse, fresh.project)
    assert "is in use by process" in held.text
    assert held.command.startswith("kill -9 ")
    os.killpg(building.pid, signal.SIGKILL)
    building.wait()
    # dbt was killed as well, and its file is open until the system has taken it down.
    for _ in range(300):
        messages = [one.text for one in errors(fresh.warehouse, fresh.project)]
        if not messages[0].startswith("is in use by process"):
            break
        time.sleep(0.1)
    assert len(messages) == 1
    assert messages[0].startswith(
        "a build was interrupted: orgs: the run that began it did not end"
    )


def test_seeds_that_are_gone_wrong_or_name_nothing(built: Workspace, tmp_path: Path) -> None:
    name = "label_rules_find_something"
    (built.project / "tests").mkdir()
    (built.project / "tests" / f"{name}.sql").write_text(
        "{{ config(severity='warn') }} select team from {{ ref('teams') }} where org = 'nothing'"
    )
    teams = built.seeds / "teams.csv"
    before = teams.read_text()
    teams.write_text(before + "nobody,nothing,nobody@example.com,,\n")
    assert built.build().succeeded
    findings = diagnose(built.warehouse, built.project, tmp_path)
    assert [str(one) for one in findings if "warned" in one.text] == [
        f"note  {built.seeds.resolve()}: the last build warned: label rules find something, but"
        " not: team nobody; fix it with: infraspend build, once the seeds are corrected"
    ]
    teams.write_text(before)
    assert built.build().succeeded
    assert "warned" not in " ".join(map(str, diagnose(built.warehouse, built.project, tmp_path)))

    teams.write_text(before + "too,few\n")
    edited, mistake = errors(built.warehouse, built.project)
    assert edited.text == "was built before seeds or models were edited"
    assert mistake.text.endswith(": 2 cells where the header has 5: too,few")
    teams.write_text(before)

    moved = built.seeds.rename(built.project / "facts")
    (gone,) = errors(built.warehouse, built.project)
    assert gone.command == "infraspend build --seeds DIR --change-seeds"
    moved.rename(built.seeds)
    assert errors(built.warehouse, built.project) == []


def test_what_is_published_is_of_the_last_build(built: Workspace) -> None:
    published = built.warehouse.parent / "published"
    (note,) = diagnose(built.warehouse, built.project, published)[:1]
    assert (note.level, note.text) == (Level.NOTE, "has nothing published yet")
    follow(note, built.warehouse, published)
    assert errors(built.warehouse, built.project) == []

    load(built.warehouse, "another-delivery")
    assert built.build().succeeded
    (published / ".publishing-killed").mkdir()
    left, older = errors(built.warehouse, built.project)
    assert left.text == "was left by a publish that was interrupted"
    assert older.text.endswith(" and not of the last build")
    follow(older, built.warehouse, published)
    assert errors(built.warehouse, built.project) == []


def test_the_command_says_each_in_a_line_and_fails(warehouse: Path, tmp_path: Path) -> None:
    change(warehouse, "delete from raw_aws_cur.line_items where rowid = 0")
    said = run("doctor", "--warehouse", warehouse, cwd=tmp_path)
    assert said.returncode == 1
    assert [line.partition(": ")[0] for line in said.stdout.splitlines()] == [
        "error  hourly, 2026-10",
        f"error  {warehouse}",
        f"note  {warehouse.parent / 'published'}",
    ]
    assert said.stderr.splitlines()[-1] == f"error: {warehouse} has 2 errors: see above"
    spark = run("--engine", "spark", "doctor", cwd=tmp_path)
    assert "doctor looks at a warehouse of DuckDB only" in spark.stderr


def test_the_command_is_content_with_what_is_good(
    built: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "current_project", lambda: built.project)
    said = CliRunner().invoke(cli.app, ["doctor", "--warehouse", str(built.warehouse)])
    assert said.exit_code == 0, said.output
    assert f"good  {built.warehouse}: is as it should be\n" in said.output
