"""Small bills in FOCUS, made by hand, as the versions from 1.0 to 1.4 and each format have them."""

import csv
import gzip
import io
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from infraspend.loaders.sql import literal

Charge = Mapping[str, str | None]

_ONLY_BEFORE_1_3 = ("ProviderName", "PublisherName")


def charge(effective: str, **columns: str | None) -> dict[str, str | None]:
    """An hour of an Azure virtual machine that cost as much; the columns are those of FOCUS 1.4."""
    return {
        "BilledCost": effective,
        "EffectiveCost": effective,
        "ListCost": effective,
        "ContractedCost": effective,
        "BillingAccountId": "/billing/acme",
        "BillingAccountName": "Acme",
        "BillingCurrency": "USD",
        "BillingPeriodStart": "2026-10-01T00:00:00Z",
        "BillingPeriodEnd": "2026-11-01T00:00:00Z",
        "ChargeCategory": "Usage",
        "ChargeClass": None,
        "ChargePeriodStart": "2026-10-01T00:00:00Z",
        "ChargePeriodEnd": "2026-10-01T01:00:00Z",
        "CommitmentDiscountCategory": None,
        "CommitmentDiscountId": None,
        "CommitmentDiscountStatus": None,
        "ConsumedQuantity": "1",
        "ConsumedUnit": "Hours",
        "HostProviderName": "Microsoft",
        "PricingCategory": "Standard",
        "RegionId": "westeurope",
        "ResourceId": "/vm/1",
        "ResourceType": "Virtual machine",
        "ServiceName": "Virtual Machines",
        "ServiceProviderName": "Microsoft",
        "SkuId": "SKU-D4",
        "SubAccountId": "/subscriptions/shop",
        "Tags": '{"team": "api"}',
    } | columns


def in_version(lines: Sequence[Charge], version: str) -> list[dict[str, str | None]]:
    """Charges with the names that a version of FOCUS has for them."""
    if version >= "1.3":
        return [dict(line) for line in lines]
    older = {"ServiceProviderName": "ProviderName", "HostProviderName": "PublisherName"}
    return [{older.get(name, name): value for name, value in line.items()} for line in lines]


def write(
    file: Path,
    lines: Sequence[Charge],
    *,
    version: str = "1.4",
    written: datetime | None = None,
    kinds: Mapping[str, str] | None = None,
) -> Path:
    """Writes charges as CSV, CSV.gz or Parquet, as the file's name ends.

    Args:
        file: The file.
        lines: The charges; a column that one of them lacks is empty in it.
        version: The version of FOCUS.
        written: When it was written, UTC.
        kinds: The types of columns in Parquet; text where none is given.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    delivered = in_version(lines, version)
    names = list(dict.fromkeys(name for line in delivered for name in line))
    if file.suffix == ".parquet":
        _write_parquet(file, names, delivered, kinds or {})
    else:
        text = io.StringIO()
        writer = csv.DictWriter(text, names)
        writer.writeheader()
        writer.writerows(delivered)
        content = text.getvalue().encode()
        file.write_bytes(gzip.compress(content, mtime=0) if file.suffix == ".gz" else content)
    if written is not None:
        moment = written.replace(tzinfo=UTC).timestamp()
        os.utime(file, (moment, moment))
    return file


def _write_parquet(
    file: Path, names: Sequence[str], lines: Sequence[Charge], kinds: Mapping[str, str]
) -> None:
    texts = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    columns = ", ".join(
        f'cast({value(name, kinds)} as {kinds.get(name, "varchar")}) as "{name}"' for name in names
    )
    # Where no name is a pattern, as those of directories of tests may be.
    with tempfile.NamedTemporaryFile("w", suffix=".json") as rows:
        rows.writelines(json.dumps(dict(line)) + "\n" for line in lines)
        rows.flush()
        duckdb.execute(
            f"copy (select {columns} from read_json('{rows.name}', format = 'newline_delimited',"
            f" columns = {{{texts}}})) to {literal(str(file))} (format parquet)"
        )


def value(name: str, kinds: Mapping[str, str]) -> str:
    """A column as what its type is cast from."""
    is_map = kinds.get(name, "").lower().startswith(("map", "struct"))
    return f'cast("{name}" as json)' if is_map else f'"{name}"'
