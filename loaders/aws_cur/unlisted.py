"""Deliveries without a manifest, as a replication of the data alone leaves them.

Nothing says then which files are current and whether all are there. The rule: of a billing period
the folder whose newest file was written last, all of it, once nothing was written for an hour.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from hashlib import sha256
from itertools import groupby
from pathlib import PurePosixPath
from typing import Final

from infraspend.loaders.aws_cur.manifest import (
    CUR2_CSV_GZ,
    CUR2_PARQUET,
    LEGACY_CSV_GZ,
    LEGACY_CSV_ZIP,
    LEGACY_PARQUET,
    Assembly,
    PeriodManifest,
    period_of,
)
from infraspend.loaders.clock import utc_now
from infraspend.loaders.locations import File, Location, MissingFileError

SETTLED: Final = timedelta(hours=1)
"""How long nothing may have been written before a delivery counts as whole."""

DATA_SUFFIXES: Final = (".csv.gz", ".parquet", ".zip")

_FORMATS: Final = {
    (True, ".csv.gz"): CUR2_CSV_GZ,
    (True, ".parquet"): CUR2_PARQUET,
    (False, ".csv.gz"): LEGACY_CSV_GZ,
    (False, ".parquet"): LEGACY_PARQUET,
    (False, ".zip"): LEGACY_CSV_ZIP,
}


def unlisted_periods(
    location: Location, files: Iterable[File], manifests: Sequence[PeriodManifest]
) -> Iterator[PeriodManifest]:
    """The billing periods that have data files and no manifest, with what is current of each."""
    found = []
    for file in files:
        if file.name.endswith(DATA_SUFFIXES):
            path = PurePosixPath(location.url(file.name))
            folder = next((folder for folder in path.parents if period_of(folder)), None)
            if folder and not _is_listed(folder, manifests):
                found.append((folder, path, file))
    found.sort(key=lambda one: (one[0], one[2].name))
    for folder, group in groupby(found, key=lambda one: one[0]):
        yield from _current(folder, [(path, file) for _, path, file in group])


def check_settled(newest: File) -> None:
    """Waits for a delivery without a manifest that may still be on its way.

    Raises:
        MissingFileError: Its newest file was written less than `SETTLED` ago.
    """
    if utc_now() - newest.modified < SETTLED:
        raise MissingFileError(
            f"{newest.name} was written less than an hour ago, and without a manifest nothing says"
            " whether more will come"
        )


def left_behind(location: Location, assembly: Assembly) -> list[str]:
    """Files that were written more than `SETTLED` before the newest one of their delivery.

    Where AWS overwrites what it delivered, they may be of an earlier delivery with more files.
    """
    files = [location.stat(name) for name in assembly.files]
    newest = max(file.modified for file in files)
    return [file.name for file in files if newest - file.modified > SETTLED]


def _is_listed(folder: PurePosixPath, manifests: Iterable[PeriodManifest]) -> bool:
    known = period_of(folder)
    return known is not None and any(
        manifest.billing_period == known[0] and known[2].is_relative_to(manifest.root)
        for manifest in manifests
    )


def _current(
    folder: PurePosixPath, found: Sequence[tuple[PurePosixPath, File]]
) -> Iterator[PeriodManifest]:
    """Of a period's files those of the folder that was written last, one for each format."""
    known = period_of(folder)
    if known is None:
        return
    period, is_cur2, root = known
    newest_path, newest = max(found, key=lambda one: (one[1].modified, one[1].name))
    files = [file for path, file in found if path.parent == newest_path.parent]
    suffix = next(suffix for suffix in DATA_SUFFIXES if newest.name.endswith(suffix))
    form = _FORMATS.get((is_cur2, suffix))
    if form is None:
        return
    files = [file for file in files if file.name.endswith(suffix)]
    digest = sha256()
    for file in files:
        name = PurePosixPath(file.name).name
        digest.update(f"{name} {file.bytes} {file.version}\n".encode())
    assembly = Assembly(
        assembly_id=f"unlisted-{digest.hexdigest()[:32]}/{period}",
        report=root.name,
        billing_period=period,
        format=form,
        manifest=newest,
        files=tuple(file.name for file in files),
    )
    yield PeriodManifest(newest, root.name, period, is_cur2, folder.name, root, assembly)
