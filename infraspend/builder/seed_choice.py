"""Which seeds a warehouse is built with: those of the last build, until a change is requested.

A bill that is built with the wrong company's rules, owners and platforms is wrong without a failing
test. So the first build records the directory of its seeds in the warehouse, later builds use it,
and another one is refused unless the change is requested. The demo company's seeds are for its bill
only.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from infraspend.builder.records import note_setting, opened, setting
from infraspend.builder.seeds import path_for_dbt
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.sql import literal
from infraspend.loaders.warehouse import LakeUrl, WarehouseLocation
from infraspend.projects import own_seeds
from infraspend.simulation.plan.company import PAYER, REPORTS

_SETTING: Final = "seeds"


@dataclass(frozen=True)
class ChosenSeeds:
    """The seeds that a build uses.

    Attributes:
        directory: The directory of the CSVs: an absolute path without links.
        reason: Why these seeds are used; empty if the user named them.
    """

    directory: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.directory} ({self.reason})" if self.reason else str(self.directory)


def choose_seeds(
    record: Path,
    landed: WarehouseLocation,
    project: Path,
    named: Path | None = None,
    *,
    change: bool = False,
) -> ChosenSeeds:
    """The seeds to build with: the named ones, or those of the last build, or the demo company's.

    Args:
        record: The DuckDB file with the record of builds: the warehouse, or the one of Spark's
            builds.
        landed: Where deliveries landed: the warehouse, or a lake.
        project: The root of the dbt project.
        named: The directory that the user named, if any.
        change: The named directory may be another than that of the last build.

    Raises:
        InfraspendError: It is another one and no change was requested, it is not there, or it is
            the demo company's and the bill is not.
    """
    known = known_seeds(record, project, named, change=change)
    demo = (project / "seeds").resolve()
    directory = known or demo
    own = own_seeds(project)
    if directory == demo and own is None and _has_another_bill(landed):
        raise InfraspendError(
            f"{demo} has the seeds of the demo company, which are only for the bill that infraspend"
            " simulate writes, and another one was loaded: name the directory of your own with"
            f" --seeds DIR{' --change-seeds' if known and not named else ''} (the demo company's"
            " show the files and columns)"
        )
    if named or own:
        return ChosenSeeds(directory, "")
    return ChosenSeeds(directory, "as in the last build" if known else "the demo company's")


def known_seeds(
    record: Path, project: Path, named: Path | None = None, *, change: bool = False
) -> Path | None:
    """The directory that the user named, or the project's own, or that of the last build, or None.

    From then on plain dbt finds the seeds there, too.

    Args:
        record: The DuckDB file with the record of builds; need not exist.
        project: The root of the dbt project.
        named: The directory that the user named, if any.
        change: The named directory may be another than that of the last build.

    Raises:
        InfraspendError: It is another one and no change was requested, or it is not there.
    """
    own = None if named else own_seeds(project)
    named = named or own
    if named and not named.is_dir():
        raise InfraspendError(
            f"{named}: there is no such directory of seeds (--seeds, INFRASPEND_SEEDS)"
        )
    remembered = None if named and change else remembered_seeds(record)
    if own and remembered and not remembered.is_dir():
        # The folder was moved, and its warehouse with it.
        remembered = None
    if named and remembered not in (None, named.resolve()):
        raise InfraspendError(
            f"{record} was built with the seeds in {remembered}, and not with those in"
            f" {named.resolve()}: leave out --seeds and INFRASPEND_SEEDS, or change them on purpose"
            f" with infraspend build --seeds {named.resolve()} --change-seeds"
        )
    if remembered and not remembered.is_dir():
        raise InfraspendError(
            f"{remembered}: the seeds that {record} was built with are not there any more; say"
            " where they are with infraspend build --seeds DIR --change-seeds"
        )
    if (known := named or remembered) is None:
        return None
    with suppress(InfraspendError):
        # A build that needs the link reports why it cannot be created.
        path_for_dbt(known, project)
    return known.resolve()


def remembered_seeds(record: Path) -> Path | None:
    """The directory of the seeds that a warehouse was built with; None if it never was.

    Raises:
        InfraspendError: The warehouse cannot be opened.
    """
    found = setting(record, _SETTING) if record.is_file() else None
    return Path(found) if found else None


def remember_seeds(record: Path, directory: Path) -> None:
    """Records the directory of the seeds that a build uses, in the table `pipeline.settings`.

    Args:
        record: The DuckDB file with the record of builds.
        directory: The directory of the CSVs.
    """
    note_setting(record, _SETTING, str(directory.resolve()))


def is_free_for_demo(warehouse: Path) -> bool:
    """Whether the demo may build in a warehouse, and clear it: it is empty, or the demo's own.

    Args:
        warehouse: A DuckDB file; need not exist.
    """
    if not warehouse.exists():
        return True
    with suppress(InfraspendError), opened(warehouse, read_only=True) as connection:
        connection.execute("use warehouse")
        tables = connection.execute(
            "select count(*) from duckdb_tables() where database_name = 'warehouse'"
        ).fetchone()
        if tables == (0,):
            return True
        with suppress(duckdb.CatalogException):
            payers = connection.execute(
                "select distinct payer_account_id from raw_aws_cur.control_totals"
            ).fetchall()
            return payers == [(PAYER,)]
    return False


def _has_another_bill(landed: WarehouseLocation) -> bool:
    """Whether any bill was loaded that the simulation did not write.

    It is known by the names of its reports, and by its payer, a number that AWS gives to nobody.
    The macro refuse_demo_seeds asks the same.
    """
    reports = ", ".join(map(literal, REPORTS))
    query = (
        f"select report from raw_aws_cur.assemblies where report not in ({reports})"
        " union all select payer_account_id from raw_aws_cur.control_totals"
        f" where payer_account_id <> {literal(PAYER)} limit 1"
    )
    if isinstance(landed, LakeUrl):
        # Imported here, because the lake imports dlt, which builds of a DuckDB file do not need.
        from infraspend.loaders.lake import read_lake

        with read_lake(landed) as lake:
            return bool(lake.query(query))
    if not landed.is_file():
        return False
    with opened(landed, read_only=True) as connection:
        connection.execute("use warehouse")
        # A warehouse of before has no tables of FOCUS yet.
        for one in (query, "select provider from raw_focus.statements limit 1"):
            with suppress(duckdb.CatalogException):
                if connection.execute(one).fetchone() is not None:
                    return True
    return False
