"""Lands what platform owners publish in `raw_platforms`: usage, and ready-made schedules.

A file lies under `<root>/<platform>/` as CSV, JSON lines or Parquet. One with a column `usage`
holds weights, one with a column `proportion` a schedule. Owners correct an hour by publishing it
again.
"""

from infraspend.loaders.platforms.landing import load

__all__ = ["load"]
