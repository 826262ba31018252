"""Collects from a server, and reads what was collected."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from infraspend.loaders.kubernetes.prometheus import Access
from infraspend.loaders.kubernetes.sources import Source
from infraspend.loaders.kubernetes.tracker import Tracked, track

FIXTURES = Path(__file__).parents[1] / "fixtures" / "prometheus"

FIRST = datetime(2026, 11, 1)
NOW = datetime(2026, 11, 2, 3, 17)


def source(url: str, cluster: str, **options: Any) -> Source:
    """A source that does not wait between attempts."""
    return Source(cluster, Access(url, pause=0.01, timeout=20), **options)


def collect(
    source: Source, to: Path, hours: int = 1, first: datetime = FIRST, now: datetime = NOW
) -> Tracked:
    """Collects some hours."""
    until = first.replace(hour=first.hour + hours)
    return track([source], str(to), since=first, until=until, now=now)


def rows(root: Path, table: str, columns: str) -> list[tuple[Any, ...]]:
    """Columns of everything that was collected, in order."""
    files = sorted(root.glob(f"cluster=*/*/{table}.parquet"))
    with duckdb.connect() as connection:
        # Read one by one, through links: a cluster's name may mean something to DuckDB.
        relations = []
        for number, file in enumerate(files):
            link = root / f".{table}-{number}.parquet"
            link.unlink(missing_ok=True)
            link.symlink_to(file.resolve())
            relations.append(f"from read_parquet('{link}')")
        return connection.execute(
            f"select {columns} from ({' union all by name '.join(relations)}) order by all"
        ).fetchall()


def requested(root: Path) -> Mapping[str, Decimal]:
    """Pod -> the core-hours that it requested."""
    columns = "pod, sum(cpu_request_core_hours) over (partition by pod)"
    return dict(rows(root, "container_hours", columns))


def coverage(root: Path) -> list[tuple[int, int]]:
    """Samples and expected samples, hour by hour."""
    found = rows(root, "scrape_hours", "usage_hour, samples, expected_samples")
    return [(samples, expected) for _, samples, expected in found]
