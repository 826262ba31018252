"""The facts that people declare: are they all there, and by which path may dbt read them?"""

import csv
import hashlib
import os
from pathlib import Path

from loaders.errors import InfraspendError

SEED_COLUMNS: dict[str, tuple[str, ...]] = {
    "label_rules": (
        "rule_order",
        "match_on",
        "match_key",
        "match_type",
        "match_value",
        "lyft_label",
        "valid_from",
        "valid_until",
    ),
    "label_owners": ("lyft_label", "team", "owned_from", "owned_until"),
    "teams": ("team", "org", "contact", "valid_from", "valid_until"),
    "platforms": (
        "platform",
        "sub_platform",
        "schedule_source",
        "cost_model",
        "allocation_base",
        "pool_by",
        "free_policy",
        "owner",
        "notify",
        "min_coverage",
        "interpolate_hours",
        "carry_hours",
        "expected_from",
        "expected_until",
        "valid_from",
        "valid_until",
    ),
    "platform_resources": (
        "platform",
        "sub_platform",
        "lyft_label",
        "product",
        "usage_type",
        "cost_model",
        "valid_from",
        "valid_until",
    ),
    "closed_periods": ("payer_account_id", "billing_period", "assembly_id", "closed_at", "note"),
    "invoice_totals": ("payer_account_id", "billing_period", "invoice_id", "amount"),
    "reports": ("report", "payer_account_id", "valid_from", "valid_until"),
}
"""The columns that every seed has at least, in any order."""


def check_seeds(directory: Path) -> None:
    """Makes sure that every seed is there with its columns, before dbt reads any of them.

    dbt would build without a seed that is missing, and without a column that only a later
    model reads: it is said here, for all of them at once.

    Args:
        directory: Where the CSVs lie.

    Raises:
        InfraspendError: The directory or a seed is missing, cannot be read, or lacks a column.
    """
    if not directory.is_dir():
        raise InfraspendError(
            f"{directory}: there is no such directory of seeds; "
            "set INFRASPEND_SEEDS to the directory that holds your CSVs"
        )
    faults = [
        fault
        for seed, columns in SEED_COLUMNS.items()
        if (fault := _fault_of(directory / f"{seed}.csv", columns))
    ]
    if faults:
        raise InfraspendError(
            f"seeds in {directory}: {'; '.join(faults)} (the demo company's seeds show the columns)"
        )


def _fault_of(path: Path, columns: tuple[str, ...]) -> str | None:
    """What is wrong with a seed's file; None where nothing is."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), [])
    except FileNotFoundError:
        return f"{path.name} is missing"
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return f"{path.name} cannot be read ({error})"
    if missing := [column for column in columns if column not in header]:
        return f"{path.name} lacks {', '.join(missing)}"
    if twice := sorted({column for column in header if header.count(column) > 1}):
        return f"{path.name} has {', '.join(twice)} twice"
    return None


def path_for_dbt(directory: Path, project: Path) -> str:
    """The path, relative to the project and never leaving it, by which dbt reads the seeds.

    dbt writes what it ran to `target/run/<project>/<the seed's path>`. An absolute path, or one
    with enough `..`, makes that the user's own CSV, overwritten. So seeds that lie outside
    the project are reached through a link inside it.

    Args:
        directory: Where the CSVs lie.
        project: The root of the dbt project.

    Returns:
        What to set `INFRASPEND_SEEDS` to when dbt runs.

    Raises:
        InfraspendError: The project's directory cannot hold the link.
    """
    directory, project = directory.resolve(), project.resolve()
    if directory.is_relative_to(project):
        return directory.relative_to(project).as_posix()

    # Named after what it points at: two organisations may build from one project at once.
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    link = project / ".infraspend" / f"seeds-{name}"
    try:
        link.parent.mkdir(exist_ok=True)
        for old in link.parent.glob("seeds-*"):
            if not old.exists():
                old.unlink(missing_ok=True)
        fresh = link.with_name(f"{link.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(directory, target_is_directory=True)
        fresh.replace(link)
    except OSError as error:
        raise InfraspendError(
            f"{link}: cannot link the seeds of {directory} into the project ({error.strerror}); "
            "make the project's directory writable"
        ) from error
    return link.relative_to(project).as_posix()
