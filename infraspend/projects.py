"""The dbt project that a command works on, and the folder of one's own that `init` makes.

Infraspend may be installed where nobody may write, and dbt reads seeds and writes beside the
project. So the current folder has `.infraspend/project`: links to the models, macros, tests and
analyses of the installed Infraspend, which every command renews, so that an upgrade is found. A
folder that `init` made is a dbt project that has it as a package, with the seeds of the folder. A
checkout of the repository is a project itself.
"""

import os
import shutil
from pathlib import Path
from typing import Any, Final

import yaml

from infraspend import INSTALLED
from infraspend.loaders.errors import InfraspendError

PACKAGE: Final = Path(".infraspend") / "project"
"""Where the installed project is linked, in the current folder."""

_LINKED: Final = ("models", "macros", "tests", "analyses", "dbt_project.yml", "profiles.yml")
_INSTALLED_BY_DBT: Final = Path("dbt_packages") / "infraspend"
_SEEDS: Final = "seeds"
_TEMPLATE: Final = Path(__file__).resolve().parent / "template"
_IGNORED: Final = {".git"}


def current_project() -> Path:
    """The root of the dbt project to work on: the current folder's.

    Raises:
        InfraspendError: It cannot be linked to, or its yml cannot be read.
    """
    here = Path.cwd()
    if _is_made_by_init(here):
        return use_package(here)
    if _read(here / "dbt_project.yml").get("name") == "infraspend":
        return here
    in_checkout = (INSTALLED / "dbt_project.yml").resolve().parent
    if in_checkout != INSTALLED:
        return in_checkout
    return _link_installed(here / PACKAGE, INSTALLED / _SEEDS)


def package_of(project: Path) -> Path:
    """Where Infraspend's own models are: in the project, or in the package that it uses.

    Args:
        project: The root of a dbt project.
    """
    return project / PACKAGE if _is_made_by_init(project) else project


def roots_of(project: Path) -> tuple[Path, ...]:
    """The package and the project that uses it; the project alone if it is Infraspend's.

    Args:
        project: The root of a dbt project.
    """
    return tuple(dict.fromkeys((package_of(project), project)))


def own_seeds(project: Path) -> Path | None:
    """The seeds of a folder that `init` made.

    Args:
        project: The root of a dbt project.
    """
    return project / _SEEDS if _is_made_by_init(project) else None


def init(directory: Path) -> list[str]:
    """Makes a folder of one's own: a dbt project that uses the installed one, and empty seeds.

    Made before, it gets what it lacks; nothing that is there is written to.

    Args:
        directory: The folder; made if it is not there.

    Returns:
        The files that were written, relative to it.

    Raises:
        InfraspendError: There is something else in it, or it cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not _is_made_by_init(directory) and (
            there := sorted({path.name for path in directory.iterdir()} - _IGNORED)
        ):
            raise InfraspendError(
                f"{directory} is not empty (it has {there[0]}): name a new folder, such as"
                f" infraspend init {directory / 'infraspend'}"
            )
        files = {path.relative_to(_TEMPLATE): path.read_text() for path in _files(_TEMPLATE)}
        files[Path("profiles.yml")] = (INSTALLED / "profiles.yml").read_text()
        for seed in sorted((INSTALLED / _SEEDS).glob("*.csv")):
            header, _, _ = seed.read_text(encoding="utf-8").partition("\n")
            files[Path(_SEEDS) / seed.name] = f"{header}\n"
        written = []
        for name, text in files.items():
            path = directory / name.with_name(name.name.replace("dot-", "."))
            if not path.exists():
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
                written.append(path.relative_to(directory).as_posix())
    except OSError as error:
        raise InfraspendError(
            f"{directory}: cannot make a folder here ({error.strerror}); name another one"
        ) from error
    use_package(directory.absolute())
    return sorted(written)


def use_package(project: Path) -> Path:
    """Renews the links of a folder that `init` made to the installed project, and returns it.

    `dbt deps` makes the same second link, from `packages.yml`.

    Args:
        project: The folder.

    Raises:
        InfraspendError: It cannot be written.
    """
    package = _link_installed(project / PACKAGE, project / _SEEDS)
    installed = project / _INSTALLED_BY_DBT
    if installed.resolve() != package.resolve():
        try:
            installed.parent.mkdir(exist_ok=True)
            if installed.is_dir() and not installed.is_symlink():
                # dbt copies where it cannot link.
                shutil.rmtree(installed)
            link(installed, package)
        except OSError as error:
            raise _cannot_link(installed, error) from error
    return project


def link(path: Path, to: Path) -> None:
    """Lets a link point somewhere, in one step: another process may be reading through it.

    Args:
        path: The link.
        to: What it points to.
    """
    if path.is_symlink() and path.readlink() == to:
        return
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(to, target_is_directory=to.is_dir())
    fresh.replace(path)


def _is_made_by_init(folder: Path) -> bool:
    """Whether it has the installed project as a package, as `init` writes it."""
    packages = _read(folder / "packages.yml").get("packages") or ()
    return any(isinstance(one, dict) and one.get("local") == PACKAGE.as_posix() for one in packages)


def read_yml(file: Path) -> Any:
    """The content of a yml.

    Args:
        file: The yml.

    Raises:
        yaml.YAMLError: It is none.
    """
    # libyaml, which is not everywhere, takes a tenth of the time.
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    return yaml.load(file.read_text(encoding="utf-8"), loader)


def _read(file: Path) -> dict[str, Any]:
    """A yml of dbt's; empty if it is not there."""
    try:
        content = read_yml(file)
    except OSError:
        return {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InfraspendError(f"{file} is no yml: {error}") from error
    return content if isinstance(content, dict) else {}


def _link_installed(package: Path, seeds: Path) -> Path:
    """Makes a folder of links to the installed project and to the seeds that it is to use."""
    try:
        package.mkdir(parents=True, exist_ok=True)
        for name in _LINKED:
            link(package / name, INSTALLED / name)
        link(package / _SEEDS, seeds)
    except OSError as error:
        raise _cannot_link(package, error) from error
    return package


def _cannot_link(path: Path, error: OSError) -> InfraspendError:
    return InfraspendError(
        f"{path}: cannot link the installed project here ({error.strerror}); run infraspend in a"
        " folder that you may write in, such as one made by infraspend init DIR"
    )


def _files(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
