"""Manifests: which assembly of a report is current for a billing period, and its files.

A period's manifest is the truth about the period. In create-new mode AWS leaves a copy in every
assembly's folder, and files of older assemblies around: neither is looked at.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final

from loaders.aws_cur.source import MANIFEST_SUFFIX, Source
from loaders.errors import InfraspendError

LEGACY_CSV_GZ: Final = "legacy_csv_gz"
CUR2_PARQUET: Final = "cur2_parquet"

_LEGACY_FOLDER: Final = re.compile(r"(\d{4})(\d{2})\d{2}-\d{8}")
_CUR2_FOLDER: Final = re.compile(r"BILLING_PERIOD=(\d{4})-(\d{2})")


@dataclass(frozen=True)
class PeriodManifest:
    """The place of the manifest that decides about one report and billing period.

    Attributes:
        name: The manifest's name in the source.
        report: The report's name, as the manifest's file is called.
        billing_period: `YYYY-MM`, from the folder's name.
        data: The folder under which the period's data must lie, as a name in the source.
        anchor: The folder's name, which every key in the manifest passes through.
    """

    name: str
    report: str
    billing_period: str
    data: PurePosixPath
    anchor: str


@dataclass(frozen=True)
class Assembly:
    """One delivery of one report for one billing period.

    Attributes:
        assembly_id: AWS's id of the assembly. An execution of a data export can deliver several
            billing periods, so for CUR 2.0 it is `<execution id>/<billing period>`.
        report: The report's name.
        billing_period: `YYYY-MM`.
        format: `legacy_csv_gz` or `cur2_parquet`.
        manifest: The manifest's name in the source.
        manifest_time: When the manifest was written: plain UTC.
        files: The names of the data files in the source, in the manifest's order.
    """

    assembly_id: str
    report: str
    billing_period: str
    format: str
    manifest: str
    manifest_time: datetime
    files: tuple[str, ...]


def period_manifests(source: Source) -> Iterator[PeriodManifest]:
    """The manifests that decide about a billing period, however deep they lie."""
    for name in source.manifests():
        folder = PurePosixPath(name).parent
        whole = PurePosixPath(source.location(name)).parent
        report = PurePosixPath(name).name.removesuffix(MANIFEST_SUFFIX)
        if legacy := _LEGACY_FOLDER.fullmatch(whole.name):
            yield PeriodManifest(name, report, "-".join(legacy.groups()), folder, whole.name)
        elif (cur2 := _CUR2_FOLDER.fullmatch(whole.name)) and whole.parent.name == "metadata":
            data = folder.parent.parent / "data" / folder.name
            yield PeriodManifest(name, report, "-".join(cur2.groups()), data, whole.name)


def read_assembly(source: Source, period: PeriodManifest) -> Assembly:
    """The assembly that a period's manifest names.

    Raises:
        InfraspendError: The manifest is not one, has a format that is not read, or names a file
            outside its report.
    """
    where = source.location(period.name)
    try:
        manifest = json.loads(source.read(period.name))
    except ValueError as error:
        raise InfraspendError(f"{where} is not JSON: copy the delivery again") from error
    if isinstance(manifest, dict) and "reportKeys" in manifest:
        assembly_id, keys = manifest.get("assemblyId"), manifest["reportKeys"]
        report, form = manifest.get("reportName"), _legacy_format(where, manifest)
    elif isinstance(manifest, dict) and "dataFiles" in manifest:
        assembly_id, keys = manifest.get("executionId"), manifest["dataFiles"]
        report, form = period.report, CUR2_PARQUET
    else:
        raise InfraspendError(f"{where} is no manifest: it has neither reportKeys nor dataFiles")
    if not isinstance(assembly_id, str) or not assembly_id or not isinstance(report, str):
        raise InfraspendError(f"{where} does not say which report and assembly it describes")
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) for key in keys):
        raise InfraspendError(f"{where} names no data files: wait for AWS's next delivery")
    files = tuple(_name_of_key(where, period, key) for key in keys)
    if len(set(files)) < len(files):
        raise InfraspendError(f"{where} names a data file twice, which would count it twice")
    if form == CUR2_PARQUET:
        assembly_id = f"{assembly_id}/{period.billing_period}"
        if not all(file.endswith(".parquet") for file in files):
            raise InfraspendError(f"{where} delivers text: of CUR 2.0, Parquet is read")
    return Assembly(
        assembly_id=assembly_id,
        report=report,
        billing_period=period.billing_period,
        format=form,
        manifest=period.name,
        manifest_time=source.modified(period.name),
        files=files,
    )


def _legacy_format(where: str, manifest: dict[str, Any]) -> str:
    compression = manifest.get("compression")
    if compression != "GZIP":
        raise InfraspendError(
            f"{where} delivers {compression}: of legacy reports, text with GZIP is read; "
            "change the report's compression"
        )
    return LEGACY_CSV_GZ


def _name_of_key(where: str, period: PeriodManifest, key: str) -> str:
    """The name in the source of a key of the bucket.

    What comes before the period's folder depends on where the copy was made; what comes after it
    is what AWS wrote. A key that does not pass through that folder belongs to something else.
    """
    parts = re.sub(r"^s3://[^/]+/", "", key).split("/")
    bad = "\0" in key or "\\" in key or any(part in ("", ".", "..") for part in parts)
    if bad or period.anchor not in parts[:-1]:
        raise InfraspendError(
            f"{where} names {key!r}, a file outside {period.anchor}: it is not read"
        )
    after = len(parts) - parts[::-1].index(period.anchor)
    return str(period.data.joinpath(*parts[after:]))
