"""One build of a warehouse: checked first, run and recorded by dbt, and summarised."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, localcontext
from pathlib import Path
from textwrap import shorten

import duckdb

from infraspend.builder import records
from infraspend.builder.dbt import (
    OUT_OF_MEMORY,
    PRINTED,
    DbtRun,
    DbtSetting,
    Node,
    one_line,
    parsing,
    run_dbt,
)
from infraspend.builder.edited import drop_what_edited_macros_made, keep_state
from infraspend.builder.fingerprints import fingerprint_of, fingerprints_of_raw_tables
from infraspend.builder.seed_choice import remember_seeds
from infraspend.builder.seeds import check_seeds, path_for_dbt
from infraspend.builder.spark import Spark
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.local import private
from infraspend.loaders.result import Progress, silent
from infraspend.loaders.tables import LEDGERS, TABLES, differences
from infraspend.loaders.warehouse import MEMORY, LakeUrl

_ROW_CHARACTERS = 300
_ROWS_SHOWN = 10
_NAMES_SHOWN = 3
_BUILD_MEMORY = "3GB"
"""What DuckDB may take in a build by default: profiles.yml has it."""
_WITHOUT_UNIT_TESTS = ("--exclude-resource-type", "unit_test")


@dataclass(frozen=True)
class BuildResult:
    """How a build went.

    Attributes:
        succeeded: Everything that ran was built, and all its tests passed.
        unproven: The models and tests that keep the marts from being published; empty if
            everything was built, and tested since.
        models: How many models were built.
        tests: How many tests passed.
        failures: One line for each node that failed: its message and its file.
        warnings: One line for each test that warned.
        log: dbt's own log of the build.
        printed: Output that is not in that log: of Spark's Java, or a crash.
    """

    succeeded: bool
    unproven: tuple[records.Unproven, ...]
    models: int
    tests: int
    failures: tuple[str, ...]
    warnings: tuple[str, ...]
    log: Path
    printed: Path

    @property
    def may_be_published(self) -> bool:
        """Every mart is built, and every test has passed on it since."""
        return self.succeeded and not self.unproven


def build(
    warehouse: Path,
    project: Path,
    seeds: Path,
    arguments: Sequence[str] = (),
    progress: Progress = silent,
    lake: LakeUrl | None = None,
    *,
    unit_tests: bool = False,
) -> BuildResult:
    """Builds the models on the loaded data and runs their tests.

    Args:
        warehouse: The DuckDB file that the loaders wrote.
        project: The root of the dbt project.
        seeds: The directory of the seeds' CSVs.
        arguments: Further arguments of `dbt build`, such as `--select true_cost`.
        progress: Gets a line for every seed and model that starts.
        lake: The location of the raw tables if Spark builds.
        unit_tests: Run the unit tests, too: they test the models on made-up rows.

    Returns:
        The result; a failed test is one, too, and no exception.

    Raises:
        InfraspendError: There is nothing to build from: no warehouse, nothing loaded, or
            mistakes in the seeds.
    """
    warehouse = warehouse.resolve()
    if lake is None:
        check_loaded(warehouse)
    check_seeds(seeds)
    seeds_for_dbt = path_for_dbt(seeds, project)
    with private():
        spark = Spark.beside(warehouse, lake) if lake else None
        artifacts = spark.home / "dbt" if spark else _artifacts_beside(warehouse)
        recorded_in = spark.window if spark else warehouse
        # With arguments, such as other variables, the same files make other marts.
        fingerprint = " ".join((fingerprint_of(spark or warehouse, project, seeds), *arguments))
        raw = None if spark else fingerprints_of_raw_tables(warehouse)
        if raw and _is_tampered(warehouse, raw):
            progress("raw tables were changed by something else than a load: everything is rebuilt")
            arguments = (*arguments, "--full-refresh")
        if not unit_tests:
            arguments = (*arguments, *_WITHOUT_UNIT_TESTS)
        with spark.locked() if spark else nullcontext():
            remember_seeds(recorded_in, seeds)
            setting = DbtSetting(
                project=project,
                warehouse=warehouse,
                seeds=seeds_for_dbt,
                artifacts=artifacts,
                spark=spark,
            )
            arguments = (*arguments, *drop_what_edited_macros_made(setting, progress))
            run = run_dbt(setting, arguments, progress)
            if spark:
                manifest = artifacts / "target" / "manifest.json"
                spark.show(manifest if run.succeeded else None)
            unproven = records.unproven(recorded_in) or ()
            if run.succeeded and not unproven:
                keep_state(setting)
                records.note_setting(recorded_in, records.BUILT_FROM, fingerprint)
        if raw and run.succeeded:
            records.note_raw_tables(warehouse, raw)
    return _summed_up(run, unproven, recorded_in, artifacts)


@contextmanager
def prepared(warehouse: Path, project: Path, seeds: Path) -> Iterator[None]:
    """Parses the project for the first build of a warehouse while its data are loaded.

    Parsing takes as long as a small build. What is wrong with the project, the build reports.

    Args:
        warehouse: The DuckDB file that will be built in; it need not exist.
        project: The root of the dbt project.
        seeds: The directory of the seeds' CSVs.
    """
    warehouse = warehouse.resolve()
    setting = DbtSetting(
        project=project,
        warehouse=warehouse,
        seeds=path_for_dbt(seeds, project),
        artifacts=_artifacts_beside(warehouse),
    )
    is_parsed = (setting.target / "partial_parse.msgpack").exists()
    with nullcontext() if is_parsed else parsing(setting):
        yield


def _artifacts_beside(warehouse: Path) -> Path:
    """Where dbt writes what it makes of the project for a warehouse."""
    return warehouse.with_name(f"{warehouse.name}.dbt")


def _is_tampered(warehouse: Path, raw: Mapping[str, tuple[str, str]]) -> bool:
    """Whether a raw dataset changed since the last build without a load."""
    before = records.raw_tables_of_last_build(warehouse)
    return any(
        dataset in before and before[dataset][0] == loads and before[dataset][1] != storage
        for dataset, (loads, storage) in raw.items()
    )


def check_loaded(warehouse: Path) -> None:
    """Makes sure that there is something to build from, in raw tables of this version.

    Raises:
        InfraspendError: There is no warehouse, no load ever ended well in it, or another version
            made its raw tables otherwise.
    """
    with records.opened(warehouse, read_only=True) as connection:
        found = connection.execute(
            "select table_schema, table_name, column_name, data_type"
            " from information_schema.columns where table_catalog = 'warehouse'"
        ).fetchall()
    if not TABLES.keys() & {dataset for dataset, *_ in found}:
        raise InfraspendError(
            f"{warehouse}: this is not a warehouse of Infraspend (it has no raw tables); "
            "name another one with --warehouse"
        )
    if differences(found):
        # Imported here, so that what only reads a warehouse does not wait for dlt.
        from infraspend.loaders.open_warehouse import create_raw_tables

        # Adds what is missing, or says what cannot be added.
        create_raw_tables(warehouse)
    with records.opened(warehouse, read_only=True) as connection:
        for dataset, (ledger, _) in LEDGERS.items():
            if connection.execute(f"from warehouse.{dataset}.{ledger} limit 1").fetchone():
                return
    raise InfraspendError(
        f"{warehouse}: nothing was loaded yet; "
        "load a bill first: infraspend load aws-cur --from DIR"
    )


def explained_percentage(warehouse: Path) -> Decimal | None:
    """How much of all invoices the bridge explains, in percent; None where there is no invoice.

    A build whose bridges do not close fails; this is for one that passed.

    Args:
        warehouse: A warehouse with the mart `invoice_bridge`.
    """
    with records.opened(warehouse, read_only=True) as connection:
        ((invoice, unexplained),) = connection.execute("""
            select
                sum(abs(amount)) filter (where bridge_item = 'invoice'),
                sum(abs(amount)) filter (where bridge_item = 'unexplained')
            from warehouse.marts.invoice_bridge
        """).fetchall()
    if not invoice:
        return None
    with localcontext(prec=50):
        percentage: Decimal = 100 * (1 - unexplained / invoice)
        return percentage.quantize(Decimal("1e-10"), ROUND_DOWN)


def is_up_to_date(warehouse: Path, project: Path, seeds: Path) -> bool:
    """Whether a build would only repeat the last one.

    Args:
        warehouse: An existing warehouse.
        project: The root of the dbt project.
        seeds: The directory of the seeds' CSVs.
    """
    return (
        records.unproven(warehouse) == ()
        and records.setting(warehouse, records.BUILT_FROM)
        == fingerprint_of(warehouse, project, seeds)
        and not _is_tampered(warehouse, fingerprints_of_raw_tables(warehouse))
    )


def _summed_up(
    run: DbtRun, unproven: tuple[records.Unproven, ...], warehouse: Path, artifacts: Path
) -> BuildResult:
    """What dbt did, in the words of the command line."""
    lacking = [node for node in run.failed if OUT_OF_MEMORY in node.message]
    failures = [_line_for(node, warehouse) for node in run.failed if node not in lacking]
    if lacking or OUT_OF_MEMORY in run.complaint:
        failures.append(_more_memory([node.name for node in lacking]))
    elif run.complaint:
        failures.append(run.complaint)
    if run.skipped:
        failures.append(f"{len(run.skipped)} more were skipped, because they need what failed")
    built = [node for node in run.nodes if node not in run.failed and node not in run.skipped]
    return BuildResult(
        succeeded=run.succeeded,
        unproven=unproven,
        models=sum(node.unique_id.startswith("model.") for node in built),
        tests=sum(node.unique_id.startswith(("test.", "unit_test.")) for node in built),
        failures=tuple(failures),
        warnings=tuple(_line_for(node, warehouse) for node in run.warned),
        log=artifacts / "logs" / "dbt.log",
        printed=artifacts / "logs" / PRINTED,
    )


def _more_memory(names: Sequence[str]) -> str:
    """One line about what did not fit into DuckDB's memory, and what to set."""
    what = ", ".join(names[:_NAMES_SHOWN]) or "dbt"
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return (
        f"{what}{more}: DuckDB needs more memory than the {os.environ.get(MEMORY) or _BUILD_MEMORY}"
        f" that it may take: set {MEMORY} to more, such as {MEMORY}=3GB for up to 20 million lines"
        " of a bill, and no more than the machine has"
    )


def _line_for(node: Node, warehouse: Path) -> str:
    """One line about a node: its message, the first failing rows, and its file."""
    text = node.message
    if node.is_test and node.rows and (rows := _first_rows(node.compiled, warehouse)):
        text = f"found {node.rows:,}, the first: {'; '.join(rows)}"
    line = f"{node.name} ({node.path}): {text}"
    if node.compiled_path:
        line += f"; the query: {node.compiled_path}"
    return line


def _first_rows(query: str, warehouse: Path) -> list[str]:
    """The first rows that a failing test found, each as `column=value, ...`."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        try:
            found = connection.execute(f"select * from (\n{query}\n) limit {_ROWS_SHOWN}")
        except duckdb.Error:
            # The query needs something that only dbt has; its message is used.
            return []
        rows = found.fetchall()
        names = [column[0] for column in found.description or ()]
    return [
        shorten(
            one_line(", ".join(f"{name}={value}" for name, value in zip(names, row, strict=False))),
            _ROW_CHARACTERS,
            placeholder=" ...",
        )
        for row in rows
    ]
