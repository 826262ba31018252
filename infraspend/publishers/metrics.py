"""The metrics of the project: each defined once, in the yml of its mart, and published as SQL.

The yml is in the form that dbt 1.12 and MetricFlow read (`semantic_model`, `metrics`). Sums and
ratios of sums are read from it and written into the published file as its table `metrics`, so that
readers who have only that file use the same definitions.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infraspend.loaders.result import Progress, silent
from infraspend.projects import package_of, read_yml

MONEY = "the bill's currency"
"""The unit of money in the yml; the published file has its code."""


@dataclass(frozen=True)
class Metric:
    """A metric, as SQL on one mart.

    Attributes:
        name: Its name, such as `unallocated_share`.
        label: Its name for display, such as `Unallocated share`.
        description: What it means.
        unit: Its unit; money is in `MONEY`, whatever that is.
        mart: The mart that it is computed from.
        value_sql: Its value, an aggregate over rows of the mart; a ratio is a DOUBLE.
        numerator: The numerator of a ratio; None for a sum.
        denominator: The denominator of a ratio; None for a sum.
        time_sql: The day that a row is of, in UTC; or the first day of its month.
        grain: The shortest span that it can be queried by: day or month.
        dimensions: The columns of the mart that it can be queried by.
        within: The dimensions to group by, or to filter to one value: over several values it does
            not add up.
        not_by: The dimensions that it cannot be queried by.
    """

    name: str
    label: str
    description: str
    unit: str
    mart: str
    value_sql: str
    numerator: str | None
    denominator: str | None
    time_sql: str
    grain: str
    dimensions: tuple[str, ...]
    within: tuple[str, ...]
    not_by: tuple[str, ...]


def read_metrics(project: Path, marts: Iterable[str], progress: Progress = silent) -> list[Metric]:
    """Every metric of the published marts that is a sum or a ratio of two sums.

    Args:
        project: The root of the dbt project.
        marts: The names of the marts that are published.
        progress: Gets a line about every metric of another kind, which only MetricFlow supports.
    """
    metrics = []
    for mart in sorted(marts):
        path = package_of(project) / "models" / "marts" / f"{mart}.yml"
        if path.is_file():
            for model in read_yml(path)["models"]:
                if model["name"] == mart and model.get("semantic_model"):
                    metrics += _metrics_of(model, progress)
    return metrics


def _metrics_of(model: dict[str, Any], progress: Progress) -> list[Metric]:
    """The metrics of one mart."""
    derived = model.get("derived_semantics", {}).get("dimensions", ())
    columns = [column for column in model["columns"] if "dimension" in column]
    times = {
        **{
            column["name"]: (column["name"], column["granularity"])
            for column in columns
            if "granularity" in column
        },
        **{
            one["name"]: (one["expr"], one["granularity"])
            for one in derived
            if "granularity" in one
        },
    }
    time_sql, grain = times[model["agg_time_dimension"]]
    dimensions = tuple(one["name"] for one in columns if one["name"] not in times)
    sums = {
        metric["name"]: f"sum({metric['expr']})"
        for metric in model["metrics"]
        if metric["type"] == "simple" and metric["agg"] == "sum"
    }
    found = []
    for metric in model["metrics"]:
        name, above, below = metric["name"], metric.get("numerator"), metric.get("denominator")
        if name in sums:
            value = sums[name]
        elif metric["type"] == "ratio" and above in sums and below in sums:
            value = f"{sums[above]} / nullif({sums[below]}, 0)"
        else:
            progress(f"metric {name} is not published: it is no sum and no ratio of two sums")
            continue
        meta = metric.get("config", {}).get("meta", {})
        found.append(
            Metric(
                name=name,
                label=metric.get("label", name),
                description=" ".join(metric.get("description", "").split()),
                unit=meta.get("unit", ""),
                mart=model["name"],
                value_sql=value,
                numerator=above,
                denominator=below,
                time_sql=time_sql,
                grain=grain,
                dimensions=dimensions,
                within=tuple(meta.get("within", ())),
                not_by=tuple(meta.get("not_by", ())),
            )
        )
    return found
