"""DuckDB 1.5 could recover uncommitted bulk inserts from a torn write-ahead log.

A delete and a bulk insert in one transaction came back as the insert alone: a month counted twice.
The version and the storage in use must give the old state or the new one, wherever the log tears.
With DuckDB 1.5.6 this test fails: torn in its last two dozen bytes, where the commit is written,
the log gives 300,000 rows of both versions. It needs nothing but `duckdb` and `pytest`:

    pytest --noconftest tests/loaders/test_torn_log.py
"""

import os
import shutil
from multiprocessing import get_context
from pathlib import Path

import duckdb

ROWS = 150_000
CUTS = 40
COMMIT = 32
"""In so many bytes at its end the log says that the transaction is whole: it is torn at each."""

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
    anywhere = {len(whole) * number // CUTS for number in range(CUTS)}
    in_the_commit = {len(whole) - left for left in range(COMMIT)}
    for cut in sorted(anywhere | in_the_commit):
        torn = tmp_path / f"torn-{cut}" / path.name
        torn.parent.mkdir()
        shutil.copy(path, torn)
        torn.with_name(log.name).write_bytes(whole[:cut])
        seen.add(state(torn))
        shutil.rmtree(torn.parent)

    assert seen == {OLD, NEW}
