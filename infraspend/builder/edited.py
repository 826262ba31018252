"""Rebuilds the models that use edited macros.

dbt's graph, which the project's own hooks read, has the files of models and not those of macros. So
the manifest of the last good build is kept, and dbt itself compares (`state:modified.macros`).
"""

import hashlib
import shutil
import subprocess

from infraspend.builder import records
from infraspend.builder.dbt import DbtSetting
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.result import Progress
from infraspend.loaders.sql import quoted
from infraspend.projects import roots_of

_MACROS = "macros"
_STATE = "state"


def drop_what_edited_macros_made(setting: DbtSetting, progress: Progress) -> tuple[str, ...]:
    """Drops the tables of models that use a macro which was edited since the last good build.

    Args:
        setting: The project, warehouse and directories.
        progress: Gets a line if any macro was edited.

    Returns:
        Further arguments for dbt: on Spark, everything is rebuilt.

    Raises:
        InfraspendError: dbt cannot read the project.
    """
    window = setting.spark.window if setting.spark else setting.warehouse
    before = records.setting(window, _MACROS)
    if before is None or before == _fingerprint(setting):
        return ()
    progress("macros were edited: what uses them is rebuilt")
    if setting.spark or not (setting.artifacts / _STATE / "manifest.json").is_file():
        return ("--full-refresh",)
    for schema, name in _models_of_edited_macros(setting):
        with records.opened(setting.warehouse) as connection:
            connection.execute(
                f"drop table if exists warehouse.{quoted(schema)}.{quoted(name)} cascade"
            )
    return ()


def keep_state(setting: DbtSetting) -> None:
    """Keeps the manifest that the next build compares with, after a build that passed every test.

    Args:
        setting: The project, warehouse and directories.
    """
    state = setting.artifacts / _STATE
    state.mkdir(exist_ok=True)
    shutil.copy(setting.target / "manifest.json", state)
    window = setting.spark.window if setting.spark else setting.warehouse
    records.note_setting(window, _MACROS, _fingerprint(setting))


def _models_of_edited_macros(setting: DbtSetting) -> list[tuple[str, str]]:
    """Schema and name of every incremental model that uses an edited macro."""
    run = subprocess.run(
        setting.command(
            "ls",
            *("--quiet", "--resource-type", "model", "--output", "selector"),
            *("--select", "state:modified.macros,config.materialized:incremental"),
            *("--state", str(setting.artifacts / _STATE)),
        ),
        cwd=setting.project,
        env=setting.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise InfraspendError(f"dbt cannot read the project: {(run.stdout or run.stderr).strip()}")
    names = {line.rpartition(".")[2] for line in run.stdout.split()}
    with records.opened(setting.warehouse, read_only=True) as connection:
        found = connection.execute(
            "select distinct schema_name, name from warehouse.pipeline.nodes"
            " where resource_type = 'model'"
        ).fetchall()
    return [(schema, name) for schema, name in found if name in names]


def _fingerprint(setting: DbtSetting) -> str:
    """The fingerprint of the macros' files."""
    digest = hashlib.sha256()
    for root in roots_of(setting.project):
        for path in sorted((root / "macros").rglob("*.sql")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
