"""Manifests: which assembly of a report is current for a billing period, and its files.

A period's manifest is the truth about the period. In create-new mode AWS leaves a copy in every
assembly's folder, and files of older assemblies around: neither is looked at.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.locations import File, Location

MANIFEST_SUFFIX: Final = "-Manifest.json"

LEGACY_CSV_GZ: Final = "legacy_csv_gz"
LEGACY_CSV_ZIP: Final = "legacy_csv_zip"
LEGACY_PARQUET: Final = "legacy_parquet"
CUR2_CSV_GZ: Final = "cur2_csv_gz"
CUR2_PARQUET: Final = "cur2_parquet"
PARQUET: Final = frozenset({LEGACY_PARQUET, CUR2_PARQUET})

_LEGACY_FORMATS: Final = {
    "GZIP": LEGACY_CSV_GZ,
    "ZIP": LEGACY_CSV_ZIP,
    "PARQUET": LEGACY_PARQUET,
}
_SUFFIXES: Final = {
    LEGACY_CSV_GZ: ".csv.gz",
    LEGACY_CSV_ZIP: ".zip",
    LEGACY_PARQUET: ".parquet",
    CUR2_CSV_GZ: ".csv.gz",
    CUR2_PARQUET: ".parquet",
}

_LEGACY_FOLDER: Final = re.compile(r"(\d{4})(\d{2})\d{2}-\d{8}")
_CUR2_FOLDER: Final = re.compile(r"BILLING_PERIOD=(\d{4})-(\d{2})")
_YEAR_FOLDER: Final = re.compile(r"year=(\d{4})")
_MONTH_FOLDER: Final = re.compile(r"month=(0?[1-9]|1[0-2])")
_LARGEST_MANIFEST: Final = 64 << 20


@dataclass(frozen=True)
class PeriodManifest:
    """The manifest that decides about one report and billing period.

    Attributes:
        file: The manifest's file.
        report: The report's name, as the manifest's file is called.
        billing_period: `YYYY-MM`, from the folder's name.
        is_cur2: Whether it lies where a data export puts it, and not a legacy report.
        folder: The manifest's folder, by its name alone.
        root: The report's folder, whole.
        assembly: The assembly itself where there is no manifest and `file` is its newest file.
    """

    file: File
    report: str
    billing_period: str
    is_cur2: bool
    folder: str
    root: PurePosixPath
    assembly: "Assembly | None" = None


@dataclass(frozen=True)
class Assembly:
    """One delivery of one report for one billing period.

    Attributes:
        assembly_id: AWS's id of the assembly. An execution of a data export can deliver several
            billing periods, so for CUR 2.0 it is `<execution id>/<billing period>`.
        report: The report's name.
        billing_period: `YYYY-MM`.
        format: One of `legacy_csv_gz`, `legacy_csv_zip`, `legacy_parquet`, `cur2_csv_gz` and
            `cur2_parquet`.
        manifest: The manifest's file; the assembly is as old as it.
        files: The names of the data files in the location, in the manifest's order.
    """

    assembly_id: str
    report: str
    billing_period: str
    format: str
    manifest: File
    files: tuple[str, ...]


def period_manifests(location: Location, files: Iterable[File]) -> Iterator[PeriodManifest]:
    """The manifests among some files that decide about a billing period, however deep they lie.

    One in a `year=/month=` folder decides where the report has no other one for the period.
    """
    beside_data = []
    found = []
    for file in files:
        if not file.name.endswith(MANIFEST_SUFFIX):
            continue
        folder = PurePosixPath(location.url(file.name)).parent
        report = PurePosixPath(file.name).name.removesuffix(MANIFEST_SUFFIX)
        known = period_of(folder)
        if known is None:
            continue
        period, is_cur2, root = known
        manifest = PeriodManifest(file, report, period, is_cur2, folder.name, root)
        if _MONTH_FOLDER.fullmatch(folder.name):
            beside_data.append(manifest)
        elif not is_cur2 or folder.parent.name == "metadata":
            found.append(manifest)
    yield from found
    for manifest in beside_data:
        if not any(
            other.billing_period == manifest.billing_period
            and manifest.root.is_relative_to(other.root)
            for other in found
        ):
            yield manifest


def period_of(folder: PurePosixPath) -> tuple[str, bool, PurePosixPath] | None:
    """What AWS's name for the folder of a billing period says.

    Returns:
        The billing period (`YYYY-MM`), whether it is one of a data export, and the folder of the
        report; None if it is no such folder.
    """
    if legacy := _LEGACY_FOLDER.fullmatch(folder.name):
        return "-".join(legacy.groups()), False, folder.parent
    if cur2 := _CUR2_FOLDER.fullmatch(folder.name):
        return "-".join(cur2.groups()), True, folder.parent.parent
    month = _MONTH_FOLDER.fullmatch(folder.name)
    year = _YEAR_FOLDER.fullmatch(folder.parent.name)
    if month and year:
        return f"{year[1]}-{int(month[1]):02}", False, folder.parent.parent
    return None


def read_assembly(location: Location, period: PeriodManifest) -> Assembly:
    """The assembly that a period's manifest names.

    Raises:
        InfraspendError: The manifest is not one, has a format that is not read, or names a file
            outside its report.
    """
    where = location.url(period.file.name)
    if period.file.bytes > _LARGEST_MANIFEST:
        raise InfraspendError(f"{where} has {period.file.bytes} bytes, too many for a manifest")
    try:
        manifest = json.loads(location.read(period.file.name))
    except (ValueError, RecursionError) as error:
        raise InfraspendError(f"{where} is not JSON: copy the delivery again") from error
    if isinstance(manifest, dict) and "reportKeys" in manifest:
        assembly_id, keys = manifest.get("assemblyId"), manifest["reportKeys"]
        report = manifest.get("reportName")
    elif isinstance(manifest, dict) and "dataFiles" in manifest:
        assembly_id, keys = manifest.get("executionId"), manifest["dataFiles"]
        report = period.report
    else:
        raise InfraspendError(f"{where} is no manifest: it has neither reportKeys nor dataFiles")
    if not isinstance(assembly_id, str) or not assembly_id or not isinstance(report, str):
        raise InfraspendError(f"{where} does not say which report and assembly it describes")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise InfraspendError(f"{where} does not list its data files: copy the delivery again")
    form = _cur2_format(keys) if period.is_cur2 else _legacy_format(where, manifest)
    for key in keys:
        if not key.endswith(_SUFFIXES[form]):
            raise InfraspendError(f"{where} names {key!r}, which is no {_SUFFIXES[form]} file")
    files = tuple(_name_of_key(location, period, key, form) for key in keys)
    if len(set(files)) < len(files):
        raise InfraspendError(f"{where} names a data file twice, which would count it twice")
    return Assembly(
        assembly_id=f"{assembly_id}/{period.billing_period}" if period.is_cur2 else assembly_id,
        report=report,
        billing_period=period.billing_period,
        format=form,
        manifest=period.file,
        files=files,
    )


def _legacy_format(where: str, manifest: dict[str, Any]) -> str:
    compression = str(manifest.get("compression"))
    if compression.upper() not in _LEGACY_FORMATS:
        raise InfraspendError(
            f"{where} delivers {compression}: of legacy reports, text with GZIP or ZIP and Parquet"
            " are read; change the report's compression"
        )
    return _LEGACY_FORMATS[compression.upper()]


def _cur2_format(keys: Sequence[str]) -> str:
    return CUR2_CSV_GZ if any(key.endswith(".csv.gz") for key in keys) else CUR2_PARQUET


def _name_of_key(location: Location, period: PeriodManifest, key: str, form: str) -> str:
    """The name in the location of a key of the bucket.

    What comes before the folder of the period's data depends on where a copy was made: in a
    directory, in another bucket, below another prefix. What comes after it is what AWS wrote. So
    a key is resolved from where the manifest lies, and one that does not pass through that folder
    belongs to something else.
    """
    parts = re.sub(r"^s3://[^/]+/", "", key).split("/")
    folder, anchor = _data_folder(period, form, parts)
    bad = "\0" in key or "\\" in key or "." in parts or ".." in parts
    if bad or len(key) > 1024 or anchor is None or "" in parts[anchor:]:
        raise InfraspendError(
            f"{location.url(period.file.name)} names {key!r}, a file outside {period.folder}: it"
            " is not read"
        )
    return _below(folder, *parts[anchor:])


def _data_folder(period: PeriodManifest, form: str, parts: Sequence[str]) -> tuple[str, int | None]:
    """The folder that a period's data lies in, and how many parts of a key lead there.

    The number is None for a key that does not lead there.
    """
    folder = _parent(period.file.name)
    beside_data = bool(_MONTH_FOLDER.fullmatch(period.folder))
    months = [
        end
        for end in range(2, len(parts))
        if (known := period_of(PurePosixPath(*parts[:end])))
        and known[0] == period.billing_period
        and _MONTH_FOLDER.fullmatch(parts[end - 1])
    ]
    if months and (beside_data or form == LEGACY_PARQUET):
        anchor = months[-1]
        if beside_data:
            return folder, anchor
        # <report>/<report>/year=2026/month=9/, beside the folder of the manifest.
        return _below(_parent(folder), *parts[max(anchor - 3, 0) : anchor]), anchor
    if form == LEGACY_PARQUET:
        return folder, None
    if period.is_cur2:
        folder = _below(_parent(_parent(folder)), "data", period.folder)
    ends = [
        end
        for end in range(1, len(parts))
        if parts[end - 1] == period.folder
        or (
            beside_data
            and _LEGACY_FOLDER.fullmatch(parts[end - 1])
            and parts[end - 1].startswith(period.billing_period.replace("-", ""))
        )
    ]
    # A period's folder lies in that of its report.
    if not ends or parts[: ends[-1] - 1][-1:] == [""]:
        return folder, None
    return folder, ends[-1]


def _parent(name: str) -> str:
    """The folder of a name, with every empty part that is in it; empty for the location itself."""
    return name.rpartition("/")[0]


def _below(folder: str, *parts: str) -> str:
    return "/".join((folder, *parts) if folder else parts)
