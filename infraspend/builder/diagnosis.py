"""Finds what is wrong with a warehouse, and the command that fixes it, for `infraspend doctor`.

Nothing is changed; the warehouse is opened read-only.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import duckdb
from filelock import FileLock, Timeout

from infraspend.builder import records
from infraspend.builder.fingerprints import fingerprint_of, fingerprints_of_raw_tables
from infraspend.builder.seed_checks import mistakes_in
from infraspend.builder.seed_choice import remembered_seeds
from infraspend.builder.seeds import OPTIONAL_SEEDS, SEED_COLUMNS
from infraspend.loaders.errors import InfraspendError, first_line, holder_of_lock
from infraspend.loaders.findings import Finding, Level
from infraspend.loaders.local import check_is_lock
from infraspend.loaders.tables import LEDGERS, LOAD_ID, PARTS, TABLES, differences

_VERBS: Final = {
    "raw_aws_cur": "aws-cur",
    "raw_focus": "focus",
    "raw_kubernetes": "kubernetes",
    "raw_platforms": "platforms",
}
_REJECT_DAYS: Final = 28
"""How many days a refusal is reported."""

_NOT_LANDED_SINCE: Final = """
    not exists (
        select 1
        from raw_aws_cur.assemblies as assemblies
        where
            assemblies.report = rejects.report
            and assemblies.billing_period = rejects.billing_period
            and assemblies.landed_at >= rejects.rejected_at
    )
"""
"""The condition that no delivery of a refused one's report and billing period has landed since."""

_FREE_BYTES: Final = 1 << 30
"""How much free space a disk should have at least."""

_EXAMPLES: Final = 3

Ask = Callable[..., list[tuple[Any, ...]]]
"""Returns the rows of a query in the warehouse."""


def diagnose(warehouse: Path, project: Path, published: Path) -> list[Finding]:
    """Inspects a warehouse: its file, its loads, the last build and the published marts.

    Args:
        warehouse: The DuckDB file.
        project: The root of the dbt project.
        published: The directory that is published to.

    Returns:
        The problems, each with the command that fixes it; or one finding that there is none.
    """
    warehouse = warehouse.resolve()
    findings = [*_disk(warehouse, published)]
    if not warehouse.exists():
        return [*findings, _error(warehouse, "is not there", _load("raw_aws_cur"))]
    if used := list(_used(warehouse)):
        # The process that has it may be writing: unfinished rows are no problem.
        return [*findings, *used]
    if unreadable := list(_unreadable(warehouse)):
        return [*findings, *unreadable]
    with records.opened(warehouse, read_only=True) as connection:
        connection.execute("use warehouse")

        def ask(sql: str, *parameters: object) -> list[tuple[Any, ...]]:
            return connection.execute(sql, parameters).fetchall()

        shape = list(_shape(warehouse, ask))
        findings += shape
        if not shape:
            findings += _unfinished(warehouse, ask)
            findings += _periods(ask)
            findings += _totals(ask)
            findings += _rejects(ask)
        connection.execute("use memory")
    if not shape:
        findings += _build(warehouse, project)
        findings += _seeds(warehouse)
        findings += _published(warehouse, published)
    if all(finding.level is not Level.ERROR for finding in findings):
        findings.append(Finding(str(warehouse), "is as it should be"))
    return findings


def _error(where: object, what: str, command: str) -> Finding:
    """A problem."""
    return Finding(str(where), what, Level.ERROR, command)


def _load(dataset: str, options: str = "") -> str:
    """The command that lands deliveries of a dataset."""
    return f"infraspend load {_VERBS[dataset]} --from DIR{options}"


def _disk(warehouse: Path, published: Path) -> Iterator[Finding]:
    """Too little free space: marts are published beside those published before."""
    folder = next(path for path in (warehouse.parent, *warehouse.parents) if path.exists())
    files = [warehouse, *(path for path in published.rglob("*") if path.is_file())]
    needed = _FREE_BYTES + sum(path.stat().st_size for path in files if path.exists())
    free = shutil.disk_usage(folder).free
    if free < needed:
        yield _error(
            folder,
            f"has {free / 2**30:,.1f} GiB left on its disk, and a build and a publish may need"
            f" {needed / 2**30:,.1f}",
            f"df -h {folder}, and make room or move the warehouse (--warehouse)",
        )


def _used(warehouse: Path) -> Iterator[Finding]:
    """A process that uses the warehouse: a load by its lock, any other by DuckDB's."""
    lock = warehouse.with_name(f"{warehouse.name}.lock")
    try:
        check_is_lock(lock)
    except InfraspendError:
        yield _error(lock, "is no plain file, and the lock of loads", f"mv {lock} {lock}.old")
        return
    if lock.exists():
        probe = FileLock(lock)
        try:
            probe.acquire(timeout=0)
        except Timeout:
            yield _of_process(warehouse, _holder(lock))
            return
        probe.release()
    try:
        with duckdb.connect(":memory:") as connection:
            quoted = str(warehouse).replace("'", "''")
            connection.execute(f"attach '{quoted}' as warehouse (read_only)")
    except duckdb.IOException as error:
        if "lock" in str(error):
            holder = holder_of_lock(error)
            yield _of_process(warehouse, holder[0] if holder else None)
    except duckdb.Error:
        # Any other error is no lock: the next check reports it.
        return


def _of_process(warehouse: Path, process: int | None) -> Finding:
    """The finding that a process uses the warehouse, and how to end it."""
    if process is None:
        return _error(warehouse, "is in use by another process", f"fuser -v {warehouse}*")
    with suppress(OSError):
        command = Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        name = f"{process} ({' '.join(command.split())[:100]})"
        return _error(
            warehouse,
            f"is in use by process {name}: wait for it; if it hangs, end it, which harms nothing",
            f"kill -9 {process}",
        )
    return _error(warehouse, f"is in use by process {process}", f"kill -9 {process}")


def _holder(lock: Path) -> int | None:
    """The process that has a lock, if the system shows it (Linux)."""
    inode = lock.stat().st_ino
    with suppress(OSError):
        for line in Path("/proc/locks").read_text().splitlines():
            words = line.split()
            if words[1] != "->" and words[5].endswith(f":{inode}"):
                return int(words[4])
    return None


def _unreadable(warehouse: Path) -> Iterator[Finding]:
    """A file that this DuckDB cannot read."""
    try:
        with records.opened(warehouse, read_only=True):
            return
    except (InfraspendError, duckdb.Error) as error:
        text = first_line(error.__cause__ or error)
    aside = f"mv {warehouse} {warehouse}.old, and load again: {_load('raw_aws_cur')}"
    if "version" in text:
        yield _error(
            warehouse,
            f"was written by another DuckDB than {duckdb.__version__} ({text})",
            f"install the Infraspend that wrote it, or {aside}",
        )
    else:
        yield _error(warehouse, f"is no DuckDB file, or is damaged ({text})", aside)


def _shape(warehouse: Path, ask: Ask) -> Iterator[Finding]:
    """Raw tables that another version made otherwise."""
    found = ask(
        "select table_schema, table_name, column_name, data_type"
        " from information_schema.columns where table_catalog = 'warehouse'"
    )
    for dataset, different in differences(found).items():
        if different.missing:
            yield _error(
                f"{warehouse}, {dataset}",
                f"lacks {_some(different.missing)}, which this version has",
                _load(dataset),
            )
        if different.others:
            yield _error(
                f"{warehouse}, {dataset}",
                f"has other columns than this version: {_some(different.others)}",
                f"mv {warehouse} {warehouse}.old, and load again: {_load(dataset)}",
            )


def _some(names: Sequence[str]) -> str:
    """A few names, and how many more there are."""
    more = len(names) - _EXAMPLES
    return ", ".join(names[:_EXAMPLES]) + (f" and {more} more" if more > 0 else "")


def _unfinished(warehouse: Path, ask: Ask) -> Iterator[Finding]:
    """Rows that an interrupted load left: of no completed load, or of no delivery."""
    for dataset, tables in TABLES.items():
        ledger, key = LEDGERS[dataset]
        left = {}
        for table in tables:
            condition = (
                f"{LOAD_ID} not in (select load_id from {dataset}._dlt_loads where status = 0)"
            )
            if part := PARTS[dataset].get(table):
                condition += f" or {part} not in (select {key} from {dataset}.{ledger})"
            ((count,),) = ask(f"select count(*) from {dataset}.{table} where {condition}")
            if count:
                left[table] = count
        if left:
            counts = _some([f"{count:,} of {table}" for table, count in left.items()])
            yield _error(
                f"{warehouse}, {dataset}",
                f"has rows of no delivery ({counts}): a load was interrupted",
                _load(dataset),
            )
    folder = warehouse.with_name(f"{warehouse.name}.landing")
    if folder.exists():
        yield _error(folder, "was left by a load that was interrupted", _load("raw_aws_cur"))


def _periods(ask: Ask) -> Iterator[Finding]:
    """Billing periods that were announced and are missing, or are missing between others."""
    pending = ask(f"""
        select rejects.report, rejects.billing_period, max_by(rejects.reason, rejects.rejected_at)
        from raw_aws_cur.rejects as rejects
        where
            rejects.reason like 'pending: %'
            and {_NOT_LANDED_SINCE}
        group by rejects.report, rejects.billing_period
        order by all
    """)
    for report, period, reason in pending:
        options = f" --since {period} --until {period}"
        yield _error(f"{report}, {period}", f"is {reason}", _load("raw_aws_cur", options))
    waiting = {(report, period) for report, period, _ in pending}
    landed: dict[tuple[str, str], set[str]] = {}
    for report, payer, period in ask(
        "select distinct report, coalesce(payer_account_id, ''), billing_period"
        " from raw_aws_cur.assemblies"
    ):
        landed.setdefault((report, payer), set()).add(period)
    for (report, payer), periods in sorted(landed.items()):
        for period in _between(min(periods), max(periods)):
            if period not in periods and (report, period) not in waiting:
                options = f" --since {period} --until {period}"
                yield _error(
                    f"{report} of payer {payer or 'unknown'}, {period}",
                    "is missing, and the billing periods around it are there",
                    _load("raw_aws_cur", options),
                )


def _between(first: str, last: str) -> Iterator[str]:
    """The months from one to another, both among them."""
    year, month = map(int, first.split("-"))
    while (period := f"{year:04}-{month:02}") <= last:
        yield period
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def _totals(ask: Ask) -> Iterator[Finding]:
    """Assemblies whose lines differ from those counted in the files when they landed."""
    for report, period, counted, lines, cost, sums in ask("""
        with newest as (
            select *
            from raw_aws_cur.assemblies
            qualify row_number() over (
                partition by report, payer_account_id, billing_period
                order by manifest_time desc, landed_at desc, assembly_id
            ) = 1
        ),

        delivered as (
            select
                assembly_id,
                sum(line_count) as line_count,
                sum(landed_unblended_cost) as unblended_cost
            from raw_aws_cur.control_totals
            group by assembly_id
        ),

        landed as (
            select
                _assembly_id as assembly_id,
                count(*) as line_count,
                sum(line_item_unblended_cost) as unblended_cost
            from raw_aws_cur.line_items
            group by _assembly_id
        )

        select
            newest.report, newest.billing_period, delivered.line_count, landed.line_count,
            delivered.unblended_cost, landed.unblended_cost
        from newest
        left join delivered using (assembly_id)
        left join landed using (assembly_id)
        where
            newest.line_count <> coalesce(landed.line_count, 0)
            or newest.line_count <> coalesce(delivered.line_count, 0)
            or coalesce(landed.unblended_cost, 0) <> coalesce(delivered.unblended_cost, 0)
        order by all
    """):
        options = f" --report {report} --since {period} --until {period} --again"
        yield _error(
            f"{report}, {period}",
            f"has {lines or 0:,} lines that cost {sums or 0:f}, and {counted or 0:,} that cost"
            f" {cost or 0:f} were delivered",
            _load("raw_aws_cur", options),
        )


def _rejects(ask: Ask) -> Iterator[Finding]:
    """Deliveries that were refused lately, and not delivered again since."""
    since = f"rejected_at > now()::timestamp - interval {_REJECT_DAYS} day"
    found = {
        "raw_aws_cur": ask(f"""
            select coalesce(rejects.file, ''), rejects.row_number, rejects.reason
            from raw_aws_cur.rejects as rejects
            where
                {since}
                and rejects.reason not like 'pending: %'
                and rejects.reason not like 'unknown: %'
                and {_NOT_LANDED_SINCE}
            order by all
        """),
        "raw_focus": ask(f"""
            select coalesce(rejects.file, ''), rejects.row_number, rejects.reason
            from raw_focus.rejects as rejects
            where
                {since}
                and not exists (
                    select 1
                    from raw_focus.statements as statements
                    where
                        statements.landed_at > rejects.rejected_at
                        and (
                            starts_with(rejects.file, statements.folder)
                            or (
                                statements.billing_account_id = rejects.billing_account_id
                                and statements.billing_period = rejects.billing_period
                            )
                        )
                )
            order by all
        """),
        "raw_kubernetes": ask(f"""
            select coalesce(rejects.file, ''), rejects.row_number, rejects.reason
            from raw_kubernetes.rejects as rejects
            where
                {since}
                -- What the tracker itself reports of an hour has landed with it.
                and (rejects.usage_hour is null or rejects.row_number is not null)
                and not exists (
                    select 1
                    from raw_kubernetes.collections as collections
                    where
                        collections.landed_at > rejects.rejected_at
                        and (
                            collections.index_file = rejects.file
                            or (
                                collections.cluster = rejects.cluster
                                and rejects.usage_hour
                                between collections.first_hour and collections.last_hour
                            )
                        )
                )
            order by all
        """),
        "raw_platforms": ask(f"""
            select coalesce(rejects.file, ''), rejects.row_number, rejects.reason
            from raw_platforms.rejects as rejects
            where
                {since}
                and not exists (
                    select 1
                    from raw_platforms.deliveries as deliveries
                    where
                        deliveries.landed_at > rejects.rejected_at
                        and (
                            ends_with(rejects.file, '/' || deliveries.file)
                            or (
                                deliveries.platform = rejects.platform
                                and rejects.usage_hour
                                between deliveries.first_hour and deliveries.last_hour
                            )
                        )
                )
            order by all
        """),
    }
    for dataset, rejects in found.items():
        if rejects:
            file, row, reason = rejects[0]
            where = f"{file}, row {row}" if row is not None else file
            yield _error(
                f"{dataset}.rejects",
                f"has {len(rejects):,} that were not delivered again, the first: {where}: {reason}",
                _load(dataset),
            )


def _build(warehouse: Path, project: Path) -> Iterator[Finding]:
    """A build that failed, was interrupted, or is older than what it is built from."""
    command = "infraspend build"
    with records.opened(warehouse, read_only=True) as connection:
        ledgers = (f"warehouse.{dataset}.{ledger}" for dataset, (ledger, _) in LEDGERS.items())
        if not any(connection.execute(f"from {table} limit 1").fetchone() for table in ledgers):
            yield _error(warehouse, "has nothing in it yet", _load("raw_aws_cur"))
            return
    unproven = records.unproven(warehouse)
    if unproven is None:
        yield _error(warehouse, "was never built", f"{command} --seeds DIR")
        return
    of = {
        "a build was interrupted": [one for one in unproven if "did not end" in one.why],
        "the last build failed": [one for one in unproven if "last run ended" in one.why],
    }
    problems = [(what, some) for what, some in of.items() if some]
    if unproven and not problems:
        problems = [("not everything was built and tested", list(unproven))]
    for what, some in problems:
        names = _some([f"{one.name}: {one.why}" for one in some])
        yield _error(f"{warehouse}, pipeline.unproven", f"{what}: {names}", command)
    before = records.raw_tables_of_last_build(warehouse)
    now = fingerprints_of_raw_tables(warehouse)
    newer = [name for name in now if name in before and now[name][0] != before[name][0]]
    if newer:
        yield _error(warehouse, f"was built before the last loads of {', '.join(newer)}", command)
    if changed := [
        name
        for name in now
        if name in before and name not in newer and now[name][1] != before[name][1]
    ]:
        yield _error(
            warehouse, f"was built before somebody changed rows of {', '.join(changed)}", command
        )
    seeds = remembered_seeds(warehouse)
    built_from = records.setting(warehouse, records.BUILT_FROM)
    if newer or unproven or not built_from or not seeds or not seeds.is_dir():
        return
    # Arguments for dbt follow it.
    if built_from.split()[0] != fingerprint_of(warehouse, project, seeds):
        yield _error(warehouse, "was built before seeds or models were edited", command)


def _seeds(warehouse: Path) -> Iterator[Finding]:
    """Seeds that are missing or wrong, or name nothing; and other warnings of the last build."""
    seeds = remembered_seeds(warehouse)
    if seeds is None:
        return
    if not seeds.is_dir():
        yield _error(
            seeds,
            "is not there any more: the seeds of the last build",
            "infraspend build --seeds DIR --change-seeds",
        )
        return
    for mistake in mistakes_in(seeds, SEED_COLUMNS, OPTIONAL_SEEDS):
        yield _error(seeds, mistake, "infraspend build, once it is corrected")
    with records.opened(warehouse, read_only=True) as connection:
        warned = connection.execute("""
            select node
            from warehouse.pipeline.results
            where status <> 'started'
            group by node
            having max_by(status, run) = 'warn'
            order by node
        """).fetchall()
        connection.execute("use warehouse")
        for (node,) in warned:
            name = node.split(".")[2]
            rows = _rows_of(connection, warehouse, name)
            yield Finding(
                str(seeds),
                f"the last build warned: {name.replace('_', ' ')}{rows}",
                Level.NOTE,
                "infraspend build, once the seeds are corrected",
            )
        connection.execute("use memory")


def _rows_of(connection: duckdb.DuckDBPyConnection, warehouse: Path, test: str) -> str:
    """The first rows that a test finds; empty if its compiled query is gone."""
    compiled = warehouse.with_name(f"{warehouse.name}.dbt") / "target" / "compiled"
    for path in sorted(compiled.glob(f"*/tests/**/{test}.sql")):
        with suppress(duckdb.Error):
            # The name that dbt gives to the database file.
            query = path.read_text().replace(f'"{warehouse.stem}".', "warehouse.")
            answer = connection.execute(query)
            names = [column[0] for column in answer.description or ()]
            rows = [
                ", ".join(f"{name} {value}" for name, value in zip(names, row, strict=True))
                for row in answer.fetchall()
            ]
            return f", but not: {'; '.join(rows[:_EXAMPLES])}" + (
                f" and {len(rows) - _EXAMPLES} more" if len(rows) > _EXAMPLES else ""
            )
    return ""


def _published(warehouse: Path, published: Path) -> Iterator[Finding]:
    """Published marts that are not of the last good build, or of an interrupted publish."""
    command = f"infraspend publish --to {published}"
    database = published / "infraspend.duckdb"
    if left := sorted(published.glob(".publishing-*")):
        yield _error(left[0], "was left by a publish that was interrupted", command)
    if not database.is_file():
        yield Finding(str(published), "has nothing published yet", Level.NOTE, command)
        return
    made_from, published_at = _made_from(database)
    built_from = records.setting(warehouse, records.BUILT_FROM)
    if built_from and not records.unproven(warehouse) and made_from != built_from:
        at = f"{published_at:%Y-%m-%d %H:%M}" if published_at else "another time"
        yield _error(database, f"is of {at}, and not of the last build", command)


def _made_from(database: Path) -> tuple[str | None, datetime | None]:
    """What a published file was built from, and when; None if it does not say."""
    try:
        with duckdb.connect(str(database), read_only=True) as connection:
            row = connection.execute("select made_from, published_at from build").fetchone()
    except duckdb.Error:
        return None, None
    return row or (None, None)
