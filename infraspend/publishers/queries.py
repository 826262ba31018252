"""The project's SQL as it runs on the published file, without a run of dbt.

`ref('x')` is `marts.x`, the table of that name in the published file. A query that reads anything
else is not for that file.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

import jinja2
import yaml

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.result import Progress, silent
from infraspend.projects import package_of, read_yml, roots_of

MACROS = (
    "charge_in_words",
    "compared_spend",
    "why_of_spend",
    "month_of_charges",
    "month_of_bills",
    "tags_of_charges",
)
"""The macros of the dbt project that charts and analyses may call."""

_ANALYSES = "analyses"
_REF = re.compile(r"""ref\(\s*['"](\w+)['"]\s*\)""")


@dataclass(frozen=True)
class Analysis:
    """An analysis that reads only what is published.

    Attributes:
        name: The name of its `.sql`.
        description: What it answers: the comment that its `.sql` begins with, as one paragraph.
        sql: Its SQL, as it runs on the published file.
    """

    name: str
    description: str
    sql: str


@dataclass(frozen=True)
class Declared:
    """A query of the project, with its entry in a yml beside it.

    Attributes:
        sql: Its `.sql`.
        yml: The yml.
        entry: Its entry under `analyses:` there.
    """

    sql: Path
    yml: Path
    entry: Mapping[str, Any]

    @property
    def meta(self) -> Mapping[str, Any]:
        """Its `config.meta`."""
        return (self.entry.get("config") or {}).get("meta") or {}


def read_declared(folder: Path) -> list[Declared]:
    """Every query of a folder with its entry, by name.

    Args:
        folder: A folder with a `.sql` for each query, and ymls.

    Raises:
        InfraspendError: A yml cannot be read, or a `.sql` has no entry, or an entry no `.sql`.
    """
    entries: dict[str, tuple[Path, Mapping[str, Any]]] = {}
    for path in sorted(folder.glob("*.yml")):
        try:
            content = read_yml(path) or {}
        except yaml.YAMLError as error:
            raise InfraspendError(f"{path} is no yml: {error}") from error
        for entry in content.get("analyses") or []:
            entries[entry["name"]] = (path, entry)
    files = {path.stem: path for path in sorted(folder.glob("*.sql"))}
    if alone := sorted(files.keys() ^ entries.keys()):
        raise InfraspendError(
            f"{folder}: {alone[0]} needs both a .sql and an entry under `analyses:` in a yml"
        )
    return [Declared(path, *entries[name]) for name, path in files.items()]


def read_analyses(
    project: Path, published: Iterable[str], progress: Progress = silent
) -> list[Analysis]:
    """Every analysis of the project that reads only what is published.

    Args:
        project: The root of the dbt project.
        published: The names of the marts that the published file holds.
        progress: Gets a line about every analysis that only dbt can compile.
    """
    marts = frozenset(published)
    analyses = []
    found = [
        (root, path)
        for root in roots_of(project)
        for path in sorted((root / _ANALYSES).glob("*.sql"))
    ]
    for root, path in found:
        if not set(_REF.findall(path.read_text())) <= marts:
            # It reads the warehouse itself, such as line items.
            continue
        try:
            sql = on_published(root, path, marts)
        except InfraspendError as error:
            progress(f"analysis {path.stem} is not published: {error}")
            continue
        analyses.append(Analysis(path.stem, _description(path), sql))
    return analyses


@cache
def _template(text: str) -> jinja2.Template:
    """A template of SQL, compiled once: compiling the macros takes longer than most queries."""
    return jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False).from_string(text)


def _description(path: Path) -> str:
    """The comment that SQL begins with, up to an empty line of it, as one paragraph."""
    lines = takewhile(lambda line: line.startswith("--"), path.read_text().splitlines())
    texts = (line.removeprefix("--").strip() for line in lines)
    return " ".join(takewhile(bool, texts))


def on_published(
    project: Path,
    path: Path,
    marts: frozenset[str],
    sources: Mapping[str, str] | None = None,
    carried: Iterable[str] = (),
) -> str:
    """SQL of the project, as it runs on the published file.

    Args:
        project: The root of the dbt project.
        path: The `.sql`.
        marts: The names of the marts that the published file holds.
        sources: The sources that are available beside that file, and the schema of each.
        carried: What the macro `carried_columns` answers: the columns of the report that the marts
            of the published file carry.

    Raises:
        InfraspendError: It reads what is not published, or is no template of SQL.
    """

    def ref(model: str) -> str:
        if model not in marts:
            raise InfraspendError(
                f"{path.relative_to(project)} reads {model}, and the published file has no such"
                " mart: it is of another version; run infraspend build and infraspend publish"
            )
        return f"marts.{model}"

    def source(name: str, table: str) -> str:
        if sources is None or name not in sources:
            raise InfraspendError(
                f"{path.relative_to(project)} reads what is not published: {name}"
            )
        return f"{sources[name]}.{table}"

    def carried_columns(**_: object) -> list[str]:
        return list(carried)

    known = {"ref": ref, "source": source, "sql_text": str, "carried_columns": carried_columns}
    macros = [package_of(project) / "macros" / f"{name}.sql" for name in MACROS]
    try:
        shared = _template("".join(macro.read_text() for macro in macros if macro.is_file()))
        return _template(path.read_text()).render(known, **vars(shared.make_module(known))).strip()
    except (jinja2.TemplateError, TypeError) as error:
        raise InfraspendError(f"{path}: {error}") from error
