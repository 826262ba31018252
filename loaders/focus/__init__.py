"""Lands bills in FOCUS in `raw_focus`, one statement at a time.

A statement is what one delivery says of a billing account's billing period. A newer one replaces
an older one whole, and one with a bad charge is refused whole. FOCUS 1.0 to 1.4 land in one shape,
the columns of FOCUS 1.4, with whatever else was delivered in one JSON column.

`raw_focus` is the dlt source of its tables; `load` finds what is new and lands it by that.
"""

from infraspend.loaders.focus.loading import load
from infraspend.loaders.raw_sources import raw_focus

__all__ = ["load", "raw_focus"]
