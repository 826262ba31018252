"""The seeds: whether they are valid, and the path by which dbt reads them."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree
from typing import Final

from infraspend.builder.seed_checks import mistakes_in
from infraspend.loaders.errors import InfraspendError
from infraspend.projects import link, package_of

SEED_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
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
    "discount_sharing": ("account_id", "sharing_group", "valid_from", "valid_until"),
}
"""The required columns of every seed, in any order."""

OPTIONAL_SEEDS: Final = ("closed_periods", "discount_sharing", "invoice_totals", "reports")
"""The seeds whose file may be missing, which is the same as one without rows."""

_MOST_MISTAKES: Final = 20
_LINKS: Final = ".infraspend"


def check_seeds(directory: Path) -> None:
    """Makes sure that the seeds exist and are valid, before dbt reads any of them.

    dbt would build without a seed that is missing, and without a column that only a later
    model reads; its own tests would find a wrong cell minutes later. All of these are reported here
    at once.

    Args:
        directory: Where the CSVs lie.

    Raises:
        InfraspendError: There is no such directory, or there are mistakes in the seeds.
    """
    if not directory.is_dir():
        raise InfraspendError(
            f"{directory}: there is no such directory of seeds; "
            "name the directory of your CSVs with --seeds"
        )
    mistakes = mistakes_in(directory, SEED_COLUMNS, OPTIONAL_SEEDS)
    if not mistakes:
        return
    first, more = mistakes[0], len(mistakes) - _MOST_MISTAKES
    if len(mistakes) == 1:
        raise InfraspendError(f"seeds in {directory}: {first}")
    shown = mistakes[:_MOST_MISTAKES]
    if more > 0:
        shown.append(f"{more} more, in the lines after it")
    raise InfraspendError(
        f"seeds in {directory}: {len(mistakes)} mistakes, the first: {first}", shown
    )


def path_for_dbt(directory: Path, project: Path) -> str:
    """The path, relative to the project and never leaving it, by which dbt reads the seeds.

    dbt writes what it ran to `target/run/<project>/<the seed's path>`. With an absolute path, or
    one with enough `..`, that is the user's own CSV, which dbt would overwrite. So there is a link
    to the seeds inside the project, by the name that dbt_project.yml gives to such a path: once it
    exists, plain dbt may be given the path, too. Beside it are the optional seeds that the
    directory lacks, with headers only.

    Args:
        directory: Where the CSVs lie.
        project: The root of the dbt project, or of one that has it as a package.

    Returns:
        What to set `INFRASPEND_SEEDS` to when dbt runs.

    Raises:
        InfraspendError: The project's directory cannot hold the link.
    """
    real, project = directory.resolve(), package_of(project).resolve()
    relative = Path(os.path.relpath(real, project)).as_posix()
    # The path as given, and resolved: a link may point elsewhere tomorrow.
    names = {relative: real, str(real): real, str(directory.absolute()): directory.absolute()}
    is_inside = real.is_relative_to(project)
    path = relative if is_inside else _path_of(_link_name(str(real)))
    if real == (project / "seeds").resolve():
        path = "seeds"
    missing = [seed for seed in OPTIONAL_SEEDS if not (real / f"{seed}.csv").exists()]
    links = project / _LINKS
    try:
        links.mkdir(exist_ok=True)
        _forget_what_is_gone(links)
        for name, target in names.items():
            link(links / _link_name(name), target)
        for name in (*names, path):
            _write_headers(links / _missing_name(name), missing)
    except OSError as error:
        if is_inside and not missing:
            # dbt needs no link to them, unless it is given an absolute path.
            return path
        raise InfraspendError(
            f"{links}: cannot link the seeds of {directory} into the project ({error.strerror}); "
            "make the project's directory writable"
        ) from error
    return path


def _link_name(path: str) -> str:
    """The name in dbt_project.yml of the link to a directory with this path."""
    return f"seeds-{_md5(path)}"


def _missing_name(path: str) -> str:
    """Its name of the directory of optional seeds that the one with this path lacks."""
    return f"missing-{_md5(path)}"


def _path_of(link: str) -> str:
    """The path of a link, from the project."""
    return f"{_LINKS}/{link}"


def _md5(text: str) -> str:
    """The result of dbt's `local_md5` for a text."""
    return hashlib.md5(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()


def _forget_what_is_gone(links: Path) -> None:
    """Takes away the links to directories that are not there any more."""
    for path in links.glob("seeds-*"):
        if not path.exists():
            path.unlink(missing_ok=True)
            for name in (
                path.name.replace("seeds-", "missing-"),
                _missing_name(_path_of(path.name)),
            ):
                rmtree(links / name, ignore_errors=True)


def _write_headers(folder: Path, seeds: Sequence[str]) -> None:
    """Writes the headers of some seeds to a folder, which then has nothing else."""
    if seeds:
        folder.mkdir(exist_ok=True)
    for seed in OPTIONAL_SEEDS:
        file, header = folder / f"{seed}.csv", f"{','.join(SEED_COLUMNS[seed])}\n"
        if seed not in seeds:
            file.unlink(missing_ok=True)
        elif not file.is_file() or file.read_text(encoding="utf-8") != header:
            file.write_text(header, encoding="utf-8")
