"""What stays of superseded assemblies.

Their rows in `assemblies`, `control_totals` and `summaries` stay for ever: they are the history
of what AWS restated. Their line items are pruned.
"""

import csv
from collections.abc import Collection
from pathlib import Path

from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.warehouse import Warehouse


def closed_assemblies(seeds: Path) -> frozenset[str]:
    """The assemblies that months were closed with, as the seed `closed_periods` declares them.

    Args:
        seeds: The directory of the seeds; where it has no such seed, no month is closed.

    Raises:
        InfraspendError: The seed cannot be read.
    """
    path = seeds / "closed_periods.csv"
    if not path.is_file():
        return frozenset()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return frozenset(
                row["assembly_id"].strip() for row in csv.DictReader(file) if row["assembly_id"]
            )
    except (KeyError, OSError, UnicodeDecodeError, csv.Error) as error:
        raise InfraspendError(f"{path} cannot be read ({error!r}): fix it") from error


def prune(warehouse: Warehouse, keep: int, pinned: Collection[str]) -> None:
    """Deletes the line items of all but the newest assemblies of every report's billing period.

    Args:
        warehouse: The warehouse.
        keep: How many superseded assemblies of a billing period keep their lines.
        pinned: Assemblies that keep them however old they are.
    """
    superseded = warehouse.query(f"""
        select assembly_id
        from raw_aws_cur.assemblies
        where line_count > 0
        qualify row_number() over (
            partition by report, payer_account_id, billing_period
            order by manifest_time desc, landed_at desc, assembly_id
        ) > {keep + 1}
    """)
    old = [str(row[0]) for row in superseded if row[0] not in pinned]
    if old:
        warehouse.discard("raw_aws_cur", ["line_items"], old)
