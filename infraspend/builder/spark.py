"""A build on Spark: the location of its tables, its inputs, and how readers see its marts.

Spark keeps tables as Parquet files in a catalog that only Spark reads. Beside them is one DuckDB
file, the window: it has the record of builds, as a warehouse does, and a view of each mart and of
each dataset of FOCUS over the files that the recorded build wrote. Publishing reads through it;
what plain dbt rebuilt since was not tested as a whole and is not visible.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import duckdb

from infraspend.builder.records import opened
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.local import locked
from infraspend.loaders.sql import literal
from infraspend.loaders.tables import LEDGERS
from infraspend.loaders.warehouse import LakeUrl

SHOWN: Final = ("marts", "focus")
"""The schemas that are published: the marts, and the datasets of FOCUS."""


@dataclass(frozen=True)
class Spark:
    """The directories of a build on Spark.

    Attributes:
        home: The directory of all of Spark's files: `<warehouse>.spark`, as the target
            `spark` in profiles.yml has it.
        lake: Where the loaders landed the raw tables.
    """

    home: Path
    lake: LakeUrl

    @classmethod
    def beside(cls, warehouse: Path, lake: LakeUrl) -> "Spark":
        """Spark's home beside a warehouse, created if missing.

        Raises:
            InfraspendError: Spark is not installed.
        """
        if find_spec("pyspark") is None or find_spec("dbt.adapters.spark") is None:
            raise InfraspendError("Spark is not installed: run pip install 'infraspend[spark]'")
        home = home_beside(warehouse)
        home.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(str(window_in(home))):
            return cls(home, lake)

    @property
    def window(self) -> Path:
        """The DuckDB file that holds the record of builds and shows the marts."""
        return window_in(self.home)

    @property
    def url(self) -> str:
        """The lake as dbt gets it: a URL, or an absolute path."""
        return self.lake.url if "://" in self.lake.url else str(Path(self.lake.url).resolve())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Locks the home, and deletes it, with all tables, if a killed build left it incomplete.

        Such a build may leave files that the catalog does not know, and Spark creates no table
        where there are files.

        Raises:
            InfraspendError: Another run builds here.
        """
        busy = f"{self.home} is being built by another run: wait for it to end"
        with locked(self.home / "lock", busy):
            if self._running.exists():
                for folder in ("catalog", "tables"):
                    shutil.rmtree(self.home / folder, ignore_errors=True)
            self._running.touch()
            yield
            self._running.unlink()

    @property
    def _running(self) -> Path:
        """A file that exists while a build runs, and after one that was killed."""
        return self.home / "running"

    def deliveries(self) -> bytes:
        """The lake's contents, for the fingerprint of a build.

        Raises:
            InfraspendError: Nothing was loaded yet.
        """
        # Imported here, because the lake imports dlt, which builds on DuckDB do not need.
        from infraspend.loaders.lake import read_lake

        with read_lake(self.lake) as lake:
            landed = {dataset: sorted(lake.landed(dataset)) for dataset in LEDGERS}
        if not any(landed.values()):
            raise InfraspendError(
                f"{self.lake.url}: nothing was loaded yet; load a bill first: "
                "infraspend --engine spark load aws-cur --from DIR"
            )
        return json.dumps(landed).encode()

    def show(self, manifest: Path | None) -> None:
        """Creates views of the present marts, with the types and descriptions of their contracts.

        Args:
            manifest: dbt's manifest of the build; none of one that failed, which shows no marts.
        """
        with opened(self.window) as connection:
            connection.execute("create schema if not exists warehouse.pipeline")
            for name in ("nodes", "unproven"):
                files = files_of(self.home / "tables" / "pipeline.db" / name)
                if files:
                    connection.execute(
                        f"create or replace table warehouse.pipeline.{name} as from {_scan(files)}"
                    )
        if manifest is None:
            return
        nodes = json.loads(manifest.read_text())["nodes"].values()
        models = [node for node in nodes if node["resource_type"] == "model"]
        with opened(self.window) as connection:
            for schema in SHOWN:
                connection.execute(f"drop schema if exists warehouse.{schema} cascade")
                connection.execute(f"create schema warehouse.{schema}")
            for model in models:
                if model["schema"] in SHOWN:
                    folder = self.home / "tables" / f"{model['schema']}.db" / model["name"]
                    for statement in _view(model, folder):
                        connection.execute(statement)


def home_beside(warehouse: Path) -> Path:
    """The directory of Spark's tables, beside the DuckDB file that it replaces."""
    return warehouse.with_name(f"{warehouse.name}.spark")


def window_in(home: Path) -> Path:
    """The DuckDB file that holds the record of builds and shows the marts."""
    return home / "infraspend.duckdb"


def files_of(folder: Path) -> list[Path]:
    """The Parquet files of a table of Spark's: its own, and those of its months.

    Leftovers of a killed run are deeper, in a folder of their own, and not part of the table.
    """
    return sorted([*folder.glob("*.parquet"), *folder.glob("*=*/*.parquet")])


def _view(model: dict[str, Any], folder: Path) -> list[str]:
    """The statements that create the view of a mart over its Parquet files."""
    columns = model["columns"].values()
    view = f"warehouse.{model['schema']}.{model['name']}"
    files = files_of(folder)
    if files:
        selected = ", ".join(_column(column["name"], column["data_type"]) for column in columns)
        rows = f"select {selected} from {_scan(files)}"
    else:
        # A table by months has no file if it has no month.
        nothing = ", ".join(
            f'cast(null as {column["data_type"]}) as "{column["name"]}"' for column in columns
        )
        rows = f"select {nothing} where false"
    return [
        f"create view {view} as {rows}",
        f"comment on view {view} is {literal(model['description'])}",
        *(
            f'comment on column {view}."{column["name"]}" is {literal(column["description"])}'
            for column in columns
        ),
    ]


def _scan(files: Sequence[Path]) -> str:
    """A table function that reads Parquet files and, from their folders, the month."""
    listed = ", ".join(literal(str(file)) for file in files)
    return f"read_parquet([{listed}], hive_partitioning = true, hive_types_autocast = false)"


def _column(name: str, kind: str) -> str:
    """A column of Spark's with the type that DuckDB gives it: Spark's times are instants."""
    quoted = f'"{name}"'
    if kind == "timestamp":
        return f"{quoted} at time zone 'UTC' as {quoted}"
    return f"cast({quoted} as {kind}) as {quoted}"
