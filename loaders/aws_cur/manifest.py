"""Manifests: which assembly of a report is current for a billing period, and its files.

A period's manifest is the truth about the period. In create-new mode AWS leaves a copy in every
assembly's folder, and files of older assemblies around: neither is looked at.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from loaders.errors import InfraspendError
from loaders.places import File, Place

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
    """

    file: File
    report: str
    billing_period: str
    is_cur2: bool
    folder: str


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
        files: The names of the data files in the place, in the manifest's order.
    """

    assembly_id: str
    report: str
    billing_period: str
    format: str
    manifest: File
    files: tuple[str, ...]


def period_manifests(place: Place) -> Iterator[PeriodManifest]:
    """The manifests that decide about a billing period, however deep they lie."""
    for file in place.files(lambda name: name.endswith(MANIFEST_SUFFIX)):
        folder = PurePosixPath(place.location(file.name)).parent
        report = PurePosixPath(file.name).name.removesuffix(MANIFEST_SUFFIX)
        if legacy := _LEGACY_FOLDER.fullmatch(folder.name):
            yield PeriodManifest(file, report, "-".join(legacy.groups()), False, folder.name)
        elif (cur2 := _CUR2_FOLDER.fullmatch(folder.name)) and folder.parent.name == "metadata":
            yield PeriodManifest(file, report, "-".join(cur2.groups()), True, folder.name)


def read_assembly(place: Place, period: PeriodManifest) -> Assembly:
    """The assembly that a period's manifest names.

    Raises:
        InfraspendError: The manifest is not one, has a format that is not read, or names a file
            outside its report.
    """
    where = place.location(period.file.name)
    if period.file.bytes > _LARGEST_MANIFEST:
        raise InfraspendError(f"{where} has {period.file.bytes} bytes, too many for a manifest")
    try:
        manifest = json.loads(place.read(period.file.name))
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
    files = tuple(_name_of_key(place, period, key, form) for key in keys)
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


def _name_of_key(place: Place, period: PeriodManifest, key: str, form: str) -> str:
    """The name in the place of a key of the bucket.

    What comes before the folder of the period's data depends on where a copy was made; what comes
    after it is what AWS wrote. A key that does not pass through that folder belongs to something
    else, and in the bucket itself the whole key has to be right.
    """
    where = place.location(period.file.name)
    parts = re.sub(r"^s3://[^/]+/", "", key).split("/")
    folders, anchor = _data_folder(period, form, parts)
    bad = "\0" in key or "\\" in key or any(part in ("", ".", "..") for part in parts)
    if bad or len(key) > 1024 or anchor is None:
        raise InfraspendError(
            f"{where} names {key!r}, a file outside {period.folder}: it is not read"
        )
    name = str(folders.joinpath(*parts[anchor:]))
    if where.startswith("s3://"):
        bucket = where.split("/", 3)[2]
        if (key if key.startswith("s3://") else f"s3://{bucket}/{key}") != place.location(name):
            raise InfraspendError(
                f"{where} names {key!r}, a file outside its report and bucket: it is not read"
            )
    return name


def _data_folder(
    period: PeriodManifest, form: str, parts: Sequence[str]
) -> tuple[PurePosixPath, int | None]:
    """The folder that a period's data lies in, and how many parts of a key lead there.

    The number is None for a key that does not lead there.
    """
    folder = PurePosixPath(period.file.name).parent
    if form == LEGACY_PARQUET:
        year, month = period.billing_period.split("-")
        # <report>/<report>/year=2026/month=9/, beside the folder of the manifest.
        anchor = (f"year={year}", f"month={int(month)}")
        for start in range(1, len(parts) - 2):
            if tuple(parts[start : start + 2]) == anchor:
                return folder.parent.joinpath(parts[start - 1], *anchor), start + 2
        return folder, None
    if period.is_cur2:
        folder = folder.parent.parent / "data" / folder.name
    if period.folder not in parts[:-1]:
        return folder, None
    return folder, len(parts) - parts[::-1].index(period.folder)
