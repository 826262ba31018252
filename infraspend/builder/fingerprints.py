"""The fingerprint of a build's inputs: equal fingerprints build equal marts."""

import hashlib
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

from infraspend.builder.records import opened
from infraspend.builder.spark import Spark
from infraspend.loaders.tables import TABLES
from infraspend.projects import roots_of

_PROJECT_FILES = ("dbt_project.yml", "profiles.yml")
_PROJECT_FOLDERS = ("models", "macros", "tests")
_PROJECT_ENDINGS = {".sql", ".yml", ".yaml"}
_ENGINES = ("dbt-core", "dbt-duckdb", "duckdb")
_SPARK_ENGINES = ("dbt-core", "dbt-spark", "pyspark")


def fingerprint_of(warehouse: Path | Spark, project: Path, seeds: Path) -> str:
    """The fingerprint of the loads in a warehouse, the project's files and the seeds.

    Args:
        warehouse: An existing warehouse, or Spark with its lake.
        project: The root of the dbt project.
        seeds: The directory of the seeds' CSVs.

    Returns:
        A SHA-256 in hexadecimal.

    Raises:
        InfraspendError: The warehouse cannot be opened, or nothing landed in the lake.
    """
    if isinstance(warehouse, Spark):
        landed = (*_engines(_SPARK_ENGINES), warehouse.deliveries())
    else:
        landed = (*_engines(), *_loads(warehouse))
    return _digest((*landed, *_files(project), *_seeds(seeds)))


def fingerprints_of_raw_tables(warehouse: Path) -> dict[str, tuple[str, str]]:
    """Per raw dataset, the fingerprints of its loads and of how its tables are stored.

    Every landing also records a load. If a dataset's loads are the same and its storage is not,
    landed rows were changed without a load: deleted, duplicated or edited. Read from DuckDB's
    storage metadata, not from the rows; landing in one dataset does not change the segments of
    others.

    Args:
        warehouse: An existing warehouse.

    Returns:
        The dataset -> two SHA-256 in hexadecimal.

    Raises:
        InfraspendError: The warehouse cannot be opened.
    """
    fingerprints = {}
    loads = dict(zip(TABLES, _loads(warehouse), strict=True))
    with opened(warehouse, read_only=True) as connection:
        connection.execute("use warehouse")
        for dataset, tables in TABLES.items():
            stored = []
            for table in tables:
                name = f"{dataset}.{table}"
                # A deleted row stays in its segment.
                rows = connection.execute(f"select count(*) from {name}").fetchall()
                segments = connection.execute(
                    "select row_group_id, column_id, segment_id, start, count, has_updates,"
                    f" persistent, block_id, block_offset, stats from pragma_storage_info('{name}')"
                    " order by all"
                ).fetchall()
                stored.append(f"{name} {rows} {segments}".encode())
            fingerprints[dataset] = _digest((loads[dataset],)), _digest(stored)
        connection.execute("use memory")
    return fingerprints


def _digest(parts: Iterable[bytes]) -> str:
    """The SHA-256 of some texts, in hexadecimal."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _engines(names: Iterable[str] = _ENGINES) -> Iterator[bytes]:
    """The versions of the software that computes the marts."""
    for name in names:
        yield f"{name}=={version(name)}".encode()


def _loads(warehouse: Path) -> Iterator[bytes]:
    """Every load that is recorded in the warehouse, complete or not."""
    with opened(warehouse, read_only=True) as connection:
        for dataset in TABLES:
            loads = connection.execute(
                f"select load_id, status from warehouse.{dataset}._dlt_loads order by all"
            ).fetchall()
            yield f"{dataset} {loads}".encode()


def _files(project: Path) -> Iterator[bytes]:
    """The name and bytes of every file that dbt reads of the project and its package."""
    for root in roots_of(project):
        files = [root / name for name in _PROJECT_FILES]
        for folder in _PROJECT_FOLDERS:
            files.extend(
                path
                for path in sorted((root / folder).rglob("*"))
                if path.suffix in _PROJECT_ENDINGS and path.is_file()
            )
        for path in files:
            yield path.relative_to(root).as_posix().encode()
            yield path.read_bytes()


def _seeds(seeds: Path) -> Iterator[bytes]:
    """The name and bytes of every seed."""
    for path in sorted(seeds.glob("*.csv")):
        yield path.name.encode()
        yield path.read_bytes()
