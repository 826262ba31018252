"""Lands in `raw_platforms` what platform owners publish: usage, and ready-made schedules.

A file is under `<root>/<platform>/` as CSV, JSON lines or Parquet. One with a column `usage` has
weights, one with a column `proportion` a schedule. Owners correct an hour by publishing it again.
"""

from infraspend.loaders.platforms.landing import load

__all__ = ["load"]
