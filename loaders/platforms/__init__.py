"""Lands in `raw_platforms` what platform owners publish: usage, and ready-made schedules.

A file is under `<root>/<platform>/` as CSV, JSON lines or Parquet. One with a column `usage` has
weights, one with a column `proportion` a schedule. Owners correct an hour by publishing it again.

`raw_platforms` is the dlt source of its tables; `load` finds what is new and lands it by that.
"""

from infraspend.loaders.platforms.landing import load
from infraspend.loaders.raw_sources import raw_platforms

__all__ = ["load", "raw_platforms"]
