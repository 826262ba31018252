"""Delivers generated bills as AWS does: one export of all payers, a file or several per period."""

import csv
import gzip
import io
import json
import os
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from tests.generated_bills.bills import COLUMNS, Line


def deliver(
    bucket: Path,
    lines: Sequence[Line],
    *,
    execution: str,
    files: int,
    order: Random,
    export: str = "export",
    lacks: Collection[str] = (),
) -> None:
    """Writes the lines in a random order and partition; a later execution replaces an earlier one.

    Args:
        bucket: The directory that the export lies under.
        lines: The lines of all billing periods.
        execution: A name that ends in a number, larger than those of earlier deliveries.
        files: How many files a billing period has.
        order: What decides about order and partition.
        export: The export's name.
        lacks: Columns that the files do not have.
    """
    by_period: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_period[line["bill_billing_period_start_date"][:7]].append(line)
    for period, its_lines in by_period.items():
        shuffled = order.sample(its_lines, len(its_lines))
        folder = f"data/BILLING_PERIOD={period}/{execution}"
        keys = []
        for number in range(files):
            part = shuffled[number::files]
            key = f"prefix/{export}/{folder}/{export}-{number + 1:05}.csv.gz"
            path = bucket / key
            path.parent.mkdir(parents=True, exist_ok=True)
            there = [column for column in COLUMNS if column not in lacks]
            columns = order.sample(there, len(there))
            path.write_bytes(gzip.compress(_text_of(part, columns), mtime=0))
            keys.append(f"s3://bucket/{key}")
        metadata = bucket / f"prefix/{export}/metadata" / f"BILLING_PERIOD={period}"
        metadata.mkdir(parents=True, exist_ok=True)
        manifest = metadata / f"{export}-Manifest.json"
        content = {"executionId": execution, "columns": [], "dataFiles": keys}
        manifest.write_text(json.dumps(content))
        day = int(execution.rpartition("-")[2])
        written = (datetime(2027, 2, 1, tzinfo=UTC) + timedelta(days=day)).timestamp()
        os.utime(manifest, (written, written))


def _text_of(lines: Sequence[Line], columns: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue().encode()
