"""Every metric is defined once, in the yml of its mart, and is what plain SQL on the mart says.

What costs something in the fixture company is in its README; amounts are worked out by hand.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from infraspend.publishers.metrics import read_metrics
from tests.metrics.expected import PLAIN
from tests.workspaces import ROOT

MARTS = sorted(path.stem for path in (ROOT / "models" / "marts").glob("*.yml"))
APRIL, MAY = "2026-04-01", "2026-05-01"


@pytest.fixture(scope="module")
def published(published_company: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(published_company), read_only=True) as connection:
        yield connection


def by_definition(published: duckdb.DuckDBPyConnection, metric: str, by: str) -> list[Any]:
    """The metric by month and a dimension, as the published file defines it."""
    ((mart, value, time),) = published.execute(
        "select mart, value_sql, time_sql from metrics where metric = ?", [metric]
    ).fetchall()
    return published.execute(
        f"select date_trunc('month', {time})::date, {by}, {value}"
        f" from marts.{mart} group by all order by all"
    ).fetchall()


@pytest.mark.parametrize("metric", PLAIN)
def test_a_metric_is_what_plain_sql_says(published: duckdb.DuckDBPyConnection, metric: str) -> None:
    plain = PLAIN[metric]
    expected = published.execute(
        f"select {plain.month}, {plain.by}, {plain.value}"
        f" from marts.{plain.mart} group by all order by all"
    ).fetchall()

    assert by_definition(published, metric, plain.by) == expected
    assert any(value for *_, value in expected) or metric == "unexplained"


def test_every_metric_of_the_yml_is_published_and_compared() -> None:
    messages: list[str] = []
    names = [
        metric["name"]
        for mart in MARTS
        for model in yaml.safe_load((ROOT / "models/marts" / f"{mart}.yml").read_text())["models"]
        for metric in model.get("metrics", ())
    ]
    assert sorted(one.name for one in read_metrics(ROOT, MARTS, messages.append)) == sorted(names)
    assert sorted(names) == sorted(PLAIN)
    assert messages == []


@pytest.mark.parametrize("metric", read_metrics(ROOT, MARTS), ids=lambda metric: metric.name)
def test_a_metric_says_what_it_means(metric: Any) -> None:
    assert metric.label
    assert metric.description.endswith(".")
    assert metric.unit
    assert {*metric.within, *metric.not_by} <= set(metric.dimensions)


BY_HAND = {
    # What all labels spend is what all charges cost.
    ("spend", APRIL): Decimal("38.14"),
    ("true_cost", MAY): Decimal("40.56"),
    ("invoice", APRIL): Decimal("473.74"),
    # 4 hours of the table, 0.05 each.
    ("unlabeled_spend", APRIL): Decimal("0.20"),
    # free, of the cluster's 14.92 and Redshift's 4.80.
    ("unallocated_share", APRIL): 6.198 / 19.72,
    # The reservation, 0.11 an hour, is used in 46 of 48 hours.
    ("utilization", APRIL): 5.06 / 5.28,
    # It covers an m5.xlarge (0.20), and in the family runs an m5.large (0.10).
    ("coverage", APRIL): 9.20 / 14.00,
    # That m5.xlarge, of it, 48 hours of the m5.large and 48 of a c5.xlarge at 0.16.
    ("instance_coverage", APRIL): 9.20 / 21.68,
    # 45 hours of 3.4 cores of node-1, on node-2 36 hours of 1.4 and 11 of 3.4: 240.8. They cost
    # 45 x 0.85 x 0.14, and 36 x 0.35 x 0.16 and 11 x 0.85 x 0.16.
    ("cost_per_core_hour", APRIL): 8.867 / 240.8,
    # One of 48 hours of one of two platforms.
    ("measured_share", APRIL): 95 / 96,
}


@pytest.mark.parametrize(("metric", "month"), BY_HAND)
def test_a_metric_is_what_is_worked_out_by_hand(
    published: duckdb.DuckDBPyConnection, metric: str, month: str
) -> None:
    found = {str(day): value for day, _, value in by_definition(published, metric, "null")}
    assert found[month] == BY_HAND[metric, month]


def test_an_hour_of_a_machine_costs_what_it_costs(published: duckdb.DuckDBPyConnection) -> None:
    # A reserved m5.xlarge for 0.7 of 0.20, a c5.xlarge on demand.
    costs = {name: cost for _, name, cost in by_definition(published, "unit_cost", "usage_type")}
    assert (costs["BoxUsage:m5.xlarge"], costs["BoxUsage:c5.xlarge"]) == (0.14, 0.16)


def test_the_chapter_lists_every_metric() -> None:
    chapter = (ROOT / "docs" / "metrics.md").read_text()
    assert [metric for metric in PLAIN if f"`{metric}`" not in chapter] == []


def test_other_kinds_of_metrics_are_reported_and_left_to_metricflow(tmp_path: Path) -> None:
    marts = tmp_path / "models" / "marts"
    marts.mkdir(parents=True)
    model = {
        "name": "orgs",
        "semantic_model": True,
        "agg_time_dimension": "day",
        "columns": [{"name": "day", "dimension": {"type": "time"}, "granularity": "day"}],
        "metrics": [
            {"name": "teams", "type": "simple", "agg": "sum", "expr": "teams"},
            {"name": "largest", "type": "simple", "agg": "max", "expr": "teams"},
            {"name": "growth", "type": "derived", "expr": "teams - before"},
            {"name": "share", "type": "ratio", "numerator": "teams", "denominator": "largest"},
        ],
    }
    (marts / "orgs.yml").write_text(yaml.safe_dump({"models": [model]}))
    messages: list[str] = []

    assert [metric.name for metric in read_metrics(tmp_path, ["orgs"], messages.append)] == [
        "teams"
    ]
    assert [line.split()[1] for line in messages] == ["largest", "growth", "share"]


def test_the_time_spine_has_every_day_once(published: duckdb.DuckDBPyConnection) -> None:
    days = "select date_day, date_month from marts.time_spine order by all"
    assert published.execute(days).fetchall() == (
        published.execute(
            "select unnest(range(date '2026-04-29', date '2026-05-03', interval 1 day))::date,"
            " unnest(['2026-04', '2026-04', '2026-05', '2026-05'])"
        ).fetchall()
    )
