"""DuckDB 1.5 could recover uncommitted bulk inserts from a torn write-ahead log.

A delete and a bulk insert in one transaction came back as the insert alone: a month counted twice.
The version and the storage in use must give the old state or the new one, wherever the log tears.
"""

import os
import shutil
from multiprocessing import get_context
from pathlib import Path

import duckdb

ROWS = 150_000
CUTS = 60
OLD, NEW = (ROWS, 1), (ROWS, 2)


def change(path: Path) -> None:
    """Replaces every row in one transaction, and dies with the log not yet in the file."""
    connection = duckdb.connect(path)
    connection.execute("set checkpoint_threshold = '1TB'")
    connection.execute("begin")
    connection.execute("delete from month")
    connection.execute(f"insert into month select 2, range, repeat('x', 20) from range({ROWS})")
    connection.execute("commit")
    os._exit(0)


def state(path: Path) -> tuple[int, int]:
    with duckdb.connect(path) as connection:
        ((count, lowest, highest),) = connection.execute(
            "select count(*), min(version), max(version) from month"
        ).fetchall()
    assert lowest == highest
    return count, lowest


def test_a_log_torn_anywhere_gives_the_old_state_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "month.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(
            "create table month as select 1 as version, range as n, 'x' as filler"
            f" from range({ROWS})"
        )
    process = get_context("spawn").Process(target=change, args=(path,))
    process.start()
    process.join()
    log = Path(f"{path}.wal")
    whole = log.read_bytes()
    assert whole

    seen = set()
    for cut in sorted({len(whole) * number // CUTS for number in range(CUTS + 1)}):
        torn = tmp_path / f"torn-{cut}" / path.name
        torn.parent.mkdir()
        shutil.copy(path, torn)
        torn.with_name(log.name).write_bytes(whole[:cut])
        seen.add(state(torn))
        shutil.rmtree(torn.parent)

    assert seen == {OLD, NEW}
