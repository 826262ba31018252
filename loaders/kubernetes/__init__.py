"""Collects Kubernetes usage from Prometheus, and lands it in `raw_kubernetes`.

`track` queries, hour by hour, and writes collections to a directory or bucket; `load` lands them. A
collection is a directory `<root>/cluster=<cluster>/<first hour>_<end hour>/` of Parquet files, one
per table, and a `collection.json` that is written last: without it there is no collection. In a
bucket all of them are in one `collection.zip`. Any number of collections may have the same hour of
a cluster, and the one collected last is used; a second one for the same hours has the time it was
collected in its directory's name.

The files have the columns of `loaders.tables`, without `_collection_id`. `scrape_hours` has the
number of valid scrapes of an hour, and an hour without a row there was not collected. `rejects`
lists what was left out, and why. What platform owners push goes to `<root>/platforms`, which is for
`infraspend load platforms`.

`raw_kubernetes` is the dlt source of the raw tables; `load` finds what is new and lands it by that.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infraspend.loaders.kubernetes.landing import load
    from infraspend.loaders.kubernetes.tracker import track
    from infraspend.loaders.raw_sources import raw_kubernetes

__all__ = ["load", "raw_kubernetes", "track"]


def __getattr__(name: str) -> Any:
    """Imports the one that is asked for: who only tracks has no DuckDB, who only lands no Arrow."""
    if name == "load":
        from infraspend.loaders.kubernetes.landing import load

        return load
    if name == "track":
        from infraspend.loaders.kubernetes.tracker import track

        return track
    if name == "raw_kubernetes":
        from infraspend.loaders.raw_sources import raw_kubernetes

        return raw_kubernetes
    raise AttributeError(name)
