"""Reports to a platform's owner what is wrong with a file before it is published, row by row."""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb

from infraspend.loaders.errors import InfraspendError, first_line
from infraspend.loaders.findings import Finding, Level
from infraspend.loaders.open_location import as_directory
from infraspend.loaders.platforms.checking import (
    KINDS,
    changed_units,
    read_published,
    refused_hours,
    value_column,
)
from infraspend.loaders.platforms.publication import (
    SUFFIXES,
    csv_rows,
    passed_over,
    published_files,
    read_publication,
    reader,
)
from infraspend.loaders.result import Progress, silent
from infraspend.loaders.sql import text_of

_EXAMPLES: Final = 3
_BAD_ROWS: Final = 20
_SOURCES: Final = {"usage": "pushed", "schedule": "ready_made"}
_COLUMNS: Final = {
    "platforms": ("platform", "sub_platform", "schedule_source", "cost_model", "owner"),
    "platform_resources": ("platform", "sub_platform"),
    "label_owners": ("lyft_label",),
    "teams": ("team",),
}
_SCHEDULE_SOURCES: Final = ("kubernetes", "pushed", "ready_made")
_PUBLISHED_MODELS: Final = ("usage", "even", "fixed")
_MODELS_OF_OWNERS: Final = ("usage", "fixed")
"""The cost models that no cluster goes by."""
_WORDS: Final = {
    "allocation_base": ("", "request", "usage", "max", "usage_or_request"),
    "pool_by": ("", "instance_type", "node", "sub_platform"),
    "free_policy": ("", "label", "spread", "owner"),
}
"""The values that columns of platforms.csv may have; empty is the default."""
_HOUR: Final = timedelta(hours=1)

_Row = Mapping[str, str]


@dataclass
class _Seen:
    """What the valid rows of all files contain about a sub-platform."""

    kinds: set[str] = field(default_factory=set)
    hours: set[datetime] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    pools: set[str] = field(default_factory=set)
    units: set[tuple[str, datetime, str | None]] = field(default_factory=set)


def diagnose(
    platform: str, source: str, seeds: Path, *, progress: Progress = silent
) -> list[Finding]:
    """Checks the files that an owner is about to publish, and how the platform is declared.

    Args:
        platform: The platform, as in the seed `platforms`.
        source: The argument of `load platforms`: the directory or `s3://` URL that has a folder per
            platform; or a single file of the platform.
        seeds: The directory of the seeds.
        progress: Gets a line about each step.

    Returns:
        What was found: how the platform is declared, then file by file, then sub-platform by
        sub-platform.

    Raises:
        InfraspendError: Nothing was found, or a seed cannot be read.
    """
    declared = [row for row in _seed(seeds, "platforms") if row["platform"] == platform]
    teams = {row["team"] for row in _seed(seeds, "teams")}
    resources = _seed(seeds, "platform_resources")
    findings = list(_declaration(platform, declared, resources, teams, seeds / "platforms.csv"))
    if declared and all(row["schedule_source"] == "kubernetes" for row in declared):
        findings.append(Finding(platform, "is tracked: its owner has nothing to publish"))
        return findings
    seen: dict[str, _Seen] = defaultdict(_Seen)
    with TemporaryDirectory(prefix="infraspend-") as folder:
        workbench = Path(folder)
        root, others = _root(platform, source, workbench)
        for name in others:
            findings.append(
                Finding(
                    name,
                    f"is passed over: what is published ends in {', '.join(SUFFIXES)}",
                    Level.NOTE,
                )
            )
        files = [path for path in published_files(root) if _is_of(platform, root, path)]
        if not files and others:
            return findings
        if not files:
            raise InfraspendError(
                f"{source} holds nothing of {platform}: name the directory above the platform's"
                f" folder; looked for {platform}/*{', *'.join(SUFFIXES)}"
            )
        for number, path in enumerate(files):
            progress(f"{path.name}: checking")
            findings += _file(root, path, workbench / f"file-{number:06}", seen)
    owned = {row["lyft_label"].strip().lower() for row in _seed(seeds, "label_owners")}
    for sub_platform, what in sorted(seen.items()):
        rows = [row for row in declared if row["sub_platform"] == sub_platform]
        findings += _sub_platform(platform, sub_platform, what, rows, owned)
    return findings


def _seed(seeds: Path, name: str) -> list[_Row]:
    """The rows of a seed."""
    try:
        with (seeds / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
            reading = csv.DictReader(file)
            missing = [key for key in _COLUMNS[name] if key not in (reading.fieldnames or ())]
            if missing:
                raise InfraspendError(f"{seeds}/{name}.csv has no column {', '.join(missing)}")
            return [
                {key: (value or "").strip() for key, value in row.items() if key is not None}
                for row in reading
            ]
    except UnicodeDecodeError as error:
        raise InfraspendError(f"{seeds}/{name}.csv is not written in UTF-8") from error
    except OSError as error:
        raise InfraspendError(
            f"{seeds}/{name}.csv cannot be read: name the directory of the seeds with --seeds"
        ) from error


def _root(platform: str, source: str, workbench: Path) -> tuple[Path, list[str]]:
    """A directory with a folder per platform, also for a single file.

    Also the names of the platform's files in it that have no known suffix.
    """
    file = Path(source)
    if not file.is_file():
        others: list[str] = []

        def is_wanted(name: str) -> bool:
            if name.startswith(f"{platform}/") and passed_over(name):
                others.append(name)
            return name.endswith(SUFFIXES)

        root = as_directory(source, workbench, is_wanted)
        if not others:
            # A directory is not copied, so its names were not checked.
            found = (path for path in (root / platform).rglob("*") if path.is_file())
            others = sorted(
                name for path in found if passed_over(name := path.relative_to(root).as_posix())
            )
        return root, others
    if not file.name.endswith(SUFFIXES):
        raise InfraspendError(f"{file} is no file of a known kind: {', '.join(SUFFIXES)}")
    around = workbench / "single"
    (around / platform).mkdir(parents=True)
    (around / platform / file.name).symlink_to(file.absolute())
    return around, []


def _is_of(platform: str, root: Path, path: Path) -> bool:
    """Whether a file lies in the platform's folder."""
    return path.relative_to(root).parts[0] == platform


def _declaration(
    platform: str,
    declared: Sequence[_Row],
    resources: Sequence[_Row],
    teams: set[str],
    seed: Path,
) -> Iterator[Finding]:
    """How the platform is declared in the seeds; messages name `platforms.csv`."""
    if not declared:
        yield Finding(platform, f"{seed} has no row for it: add one per sub-platform", Level.ERROR)
        return
    names = sorted({row["sub_platform"] for row in declared})
    yield Finding(platform, f"is declared in {seed}, with {', '.join(names)}")
    for row in declared:
        subject = f"{platform}: {row['sub_platform']}"
        source, model = row["schedule_source"], row["cost_model"]
        if source not in _SCHEDULE_SOURCES:
            yield Finding(
                subject,
                f"platforms.csv says schedule_source {source}; it may be"
                f" {', '.join(_SCHEDULE_SOURCES)}",
                Level.ERROR,
            )
        elif source == "kubernetes" and model in _MODELS_OF_OWNERS:
            yield Finding(
                subject,
                f"platforms.csv says cost_model {model}; a cluster goes by what it meters",
                Level.ERROR,
            )
        elif source != "kubernetes" and model not in _PUBLISHED_MODELS:
            yield Finding(
                subject,
                f"platforms.csv says cost_model {model}; what is {source} goes by"
                f" {', '.join(_PUBLISHED_MODELS)}",
                Level.ERROR,
            )
        for column, words in _WORDS.items():
            if (word := row.get(column, "")) not in words:
                yield Finding(
                    subject,
                    f"platforms.csv says {column} {word}; it may be {', '.join(words[1:])}",
                    Level.ERROR,
                )
        if row["owner"] not in teams:
            yield Finding(
                subject, f"its owner {row['owner'] or '(none)'} is not in teams.csv", Level.ERROR
            )
    for name in names:
        if not any(
            row["platform"] == platform and row["sub_platform"] == name for row in resources
        ):
            yield Finding(
                f"{platform}: {name}",
                "platform_resources.csv has no row for it, so that it would split nothing: add the"
                " label that its charges carry",
                Level.ERROR,
            )


def _file(root: Path, path: Path, folder: Path, seen: dict[str, _Seen]) -> Iterator[Finding]:
    """The problems of a file's rows; valid rows are added to `seen`."""
    folder.mkdir()
    try:
        publication = read_publication(root, path)
        even, ragged = _evened(path, folder)
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            call, columns = reader(connection, even, folder / "delivered")
            value = value_column(publication, columns)
            read_published(connection, publication, call, columns, value)
            refused = refused_hours(connection, value)
            bad = connection.execute(
                "select row_number, problem from published where problem is not null order by all"
            ).fetchall()
            good = connection.execute(f"""
                select sub_platform, usage_hour, lyft_label, {text_of("capacity_pool")}, unit
                from published
                where problem is null
            """).fetchall()
    except InfraspendError as error:
        yield Finding(path.name, str(error), Level.ERROR)
        return
    except duckdb.Error as error:
        yield Finding(path.name, f"cannot be read: {first_line(error)}", Level.ERROR)
        return
    lost = {(sub_platform, hour) for _, sub_platform, hour, _, _ in refused}
    rows = {row_number for row_number, _ in bad}
    for row_number, problem in bad[:_BAD_ROWS]:
        complaint = ragged.get(row_number, problem)
        yield Finding(path.name, f"row {row_number}: {complaint}", Level.ERROR)
    if len(bad) > _BAD_ROWS:
        yield Finding(path.name, f"{len(bad) - _BAD_ROWS} more rows like these", Level.ERROR)
    for _, sub_platform, hour, row_number, reason in refused:
        if row_number not in rows:
            yield Finding(path.name, f"{sub_platform}, {hour}: {reason}", Level.ERROR)
    if lost:
        yield Finding(path.name, f"{len(lost)} hours would be refused", Level.ERROR)
    kept = [row for row in good if (row[0], row[1]) not in lost]
    yield Finding(path.name, f"{len(kept)} rows of {KINDS[value][0]} would land")
    for sub_platform, hour, label, pool, unit in kept:
        what = seen[sub_platform]
        what.kinds.add(KINDS[value][0])
        what.hours.add(hour)
        what.labels.add(label)
        if pool is not None:
            what.pools.add(pool)
        what.units.add((pool or "all", hour, unit))


def _evened(path: Path, folder: Path) -> tuple[Path, dict[int, str]]:
    """A CSV with rows of another length than the header emptied, and the problems of those.

    The numbers of the other rows do not change. Any other file, and a CSV without such rows, is
    returned unchanged.
    """
    if not path.name.endswith((".csv", ".csv.gz")):
        return path, {}
    # As DuckDB counts rows: empty lines are none.
    rows = filter(None, csv_rows(path))
    header = next(rows, [])
    ragged = {
        number: f"{len(row)} cells where the header has {len(header)}"
        for number, row in enumerate(rows, 1)
        if len(row) != len(header)
    }
    if not ragged:
        return path, {}
    even = folder / "even.csv"
    with even.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for number, row in enumerate(filter(None, csv_rows(path))):
            writer.writerow([""] * len(header) if number in ragged else row)
    return even, ragged


def _sub_platform(
    platform: str, sub_platform: str, what: _Seen, declared: Sequence[_Row], owned: set[str]
) -> Iterator[Finding]:
    """Whether a sub-platform's published rows match its declaration."""
    subject = f"{platform}: {sub_platform}"
    first, last = min(what.hours), max(what.hours)
    yield Finding(
        subject,
        f"{len(what.hours)} hours from {first} to {last}, {len(what.labels)} labels",
    )
    if not declared:
        yield Finding(
            subject, "platforms.csv has no row for it, so that it would not count", Level.ERROR
        )
    if outside := sorted(hour for hour in what.hours if not _in_force(hour, declared)):
        yield Finding(
            subject,
            f"{len(outside)} hours, the first {outside[0]}, are outside of valid_from and"
            " valid_until in platforms.csv, so that they would not count",
            Level.NOTE if len(outside) < len(what.hours) else Level.ERROR,
        )
    wanted = {row["schedule_source"] for row in declared}
    for kind in sorted(what.kinds):
        if declared and _SOURCES[kind] not in wanted:
            yield Finding(
                subject,
                f"the files hold {'usage' if kind == 'usage' else 'proportions'}, and platforms.csv"
                f" says {' and '.join(sorted(wanted))}: only {_SOURCES[kind]} would count them",
                Level.ERROR,
            )
    if what.pools - {"all"} and all(row["pool_by"] == "sub_platform" for row in declared):
        yield Finding(
            subject,
            f"has capacity pools ({_some(sorted(what.pools))}), and platforms.csv splits it as a"
            " whole: they are added up",
            Level.NOTE,
        )
    given = sorted(one for one in what.units if one[2] is not None)
    for pool, hour, before, unit in changed_units(given):
        yield Finding(
            subject,
            f"pool {pool} is in {unit} from {hour} on, and was in {before}",
            Level.NOTE,
        )
    gaps = _gaps(what.hours)
    if gaps:
        yield Finding(
            subject,
            f"{sum(hours for _, hours in gaps)} hours are missing in between, the first"
            f" {gaps[0][1]} from {gaps[0][0]}: they are filled in as far as interpolate_hours and"
            " carry_hours allow",
            Level.NOTE,
        )
    if unowned := sorted(what.labels - owned - {"free"}):
        yield Finding(
            subject,
            f"label_owners.csv gives nobody {_some(unowned)}: the spend would be unassigned",
            Level.NOTE,
        )


def _in_force(hour: datetime, declared: Sequence[_Row]) -> bool:
    """Whether a declaration is valid in an hour. Times are compared as text: all are ISO."""
    moment = hour.isoformat(sep=" ")
    return not declared or any(
        row.get("valid_from", "") <= moment
        and (moment < row["valid_until"] if row.get("valid_until") else True)
        for row in declared
    )


def _gaps(hours: set[datetime]) -> list[tuple[datetime, int]]:
    """The first hour and the length of every gap between the first and the last hour."""
    known = sorted(hours)
    return [
        (before + _HOUR, int((after - before) / _HOUR) - 1)
        for before, after in pairwise(known)
        if after - before > _HOUR
    ]


def _some(names: Sequence[str]) -> str:
    """A few names, and how many more there are."""
    shown = ", ".join(names[:_EXAMPLES])
    more = len(names) - _EXAMPLES
    return f"{shown} and {more} more" if more > 0 else shown
