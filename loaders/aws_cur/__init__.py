"""Lands the AWS Cost and Usage Report in `raw_aws_cur`, one assembly at a time.

AWS rewrites a whole billing period several times a day until it is final, so the unit of loading
is the assembly that the period's manifest names. Whatever was delivered, line items land in one
shape: the columns of CUR 2.0, with tags, cost categories, discounts and product attributes whole
in one JSON column each, and a further one for the columns that CUR 2.0 does not know.

`raw_aws_cur` is the dlt source of its tables; `load` finds what is new and lands it by that.
"""

from infraspend.loaders.aws_cur.loading import Policy, load
from infraspend.loaders.aws_cur.retention import closed_assemblies
from infraspend.loaders.raw_sources import raw_aws_cur

__all__ = ["Policy", "closed_assemblies", "load", "raw_aws_cur"]
