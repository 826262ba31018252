"""A company to try Infraspend on: its bill, its clusters, its platforms, and what is true of them.

`simulate` writes what AWS, the Kubernetes usage tracker and a platform's owner would have
delivered, in their own formats, and beside it the right answers, worked out from the company's own
plan with whole numbers and without any of the models. The company's labels, teams and platforms
are declared in `seeds/`. A larger company is a group of subsidiaries, each of them this company
under other names; its seeds are written with it.

`plan` is what the company is and does, `deliveries` the files that others would write of it, and
`truth` the right answers, which neither of the two reads.

The company may have a history, whole months before its hours: the bill is by
the day, the hours of a day are alike, and there is less of everything.

What it writes under its directory:

    bill/        a bucket of AWS's: legacy reports, and for the last month a CUR 2.0 export
    earlier/     with a history: a month as it was delivered before AWS restated it
    kubernetes/  a collection for each cluster and day; with a history for each week, or its month
    platforms/   the data warehouse's ready-made schedules and what the other owners push, by day
    truth/       true_cost, schedule, enriched_spend, unallocated_capacity (Parquet), totals.json
    seeds/       of a group: what all of its subsidiaries declare

Of a group the bill is a CUR 2.0 export in every month, in parts of about a million lines; there
is a collection for each cluster and month, and a file for each platform and month.
`simulation.json` says what the bill adds up to in each billing period.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infraspend.simulation.run import SimulationResult, simulate

__all__ = ["SimulationResult", "simulate"]


def __getattr__(name: str) -> Any:
    """Imports what simulates when it is asked for: it needs Arrow, the company's names do not."""
    if name in __all__:
        from infraspend.simulation import run

        return getattr(run, name)
    raise AttributeError(name)
