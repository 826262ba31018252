"""Lands what `infraspend track` collected in `raw_kubernetes`.

A collection is a directory `<root>/cluster=<cluster>/<first hour>_<end hour>/` of Parquet files,
one per table, and a `collection.json` that is written last. Any number of collections may hold
the same hour of a cluster: the one collected last serves.
"""

from loaders.kubernetes.landing import load

__all__ = ["load"]
