"""The simulated platforms: what is held of a cluster, what owners push, and who runs on whom."""

import csv
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb

from infraspend.simulation import SimulationResult
from infraspend.simulation.plan.clusters import ClusterHour, Container
from infraspend.simulation.plan.company import UNMARKED
from infraspend.simulation.plan.company_clusters import Cluster, Volume
from infraspend.simulation.plan.company_platforms import SUB_PLATFORMS
from infraspend.simulation.truth.levels import Levels, Part
from infraspend.simulation.truth.schedules import Key, schedule_of
from infraspend.simulation.truth.weights import (
    Holding,
    Weights,
    holdings,
    weights_of,
    weights_of_volumes,
)
from infraspend.simulation.units import ONE
from tests.end_to_end.reckoning import shares, ten_digits

# Cost models, by hand


def _holding(offered: dict[str, int], held: dict[str, dict[str, int]]) -> Holding:
    holding = Holding()
    holding.offered.update(offered)
    for label, amounts in held.items():
        holding.held[label].update(amounts)
    return holding


def test_weighted_is_the_split_cost_of_aws_s_example() -> None:
    # An m5.xlarge, and the larger of what four pods reserved and used: 4.9 of 4 vCPU.
    holding = _holding(
        {"cpu": 40, "memory": 160},
        {
            "one": {"cpu": 10, "memory": 40},
            "two": {"cpu": 19, "memory": 60},
            "three": {"cpu": 10, "memory": 20},
            "four": {"cpu": 10, "memory": 20},
        },
    )
    weights = weights_of(holding, "weighted")
    total = Fraction(sum(weights.values()))
    assert {label: round(weight / total, 12) for label, weight in weights.items()} == {
        "free": Fraction("0.038461538462"),
        "one": Fraction("0.218210361068"),
        "two": Fraction("0.383830455259"),
        "three": Fraction("0.179748822606"),
        "four": Fraction("0.179748822606"),
    }


def test_weighted_counts_a_gpu_nine_times_what_goes_with_it() -> None:
    # 9 + 4 x 0.9 + 16 x 0.1 = 14.2 of a g5.xlarge, of which 9 + 2 x 0.9 + 6 x 0.1 = 11.4 are held.
    holding = _holding(
        {"cpu": 4, "memory": 16, "gpu": 1}, {"trainer": {"cpu": 2, "memory": 6, "gpu": 1}}
    )
    assert weights_of(holding, "weighted") == {"free": Fraction("2.8"), "trainer": Fraction("11.4")}


def test_weighted_counts_what_nobody_offered_as_it_was_held() -> None:
    holding = _holding({}, {"a": {"cpu": 2, "memory": 3, "gpu": 1}, "b": {"cpu": 1}})
    assert weights_of(holding, "weighted") == {"free": 0, "a": 21, "b": 9}


def test_max_is_what_a_label_holds_most_of() -> None:
    idle = _holding({"cpu": 4, "memory": 10}, {"a": {"cpu": 1, "memory": 5}, "b": {"cpu": 1}})
    assert weights_of(idle, "max") == {
        "free": Fraction(1, 4),
        "a": Fraction(1, 2),
        "b": Fraction(1, 4),
    }
    full = _holding({"cpu": 4, "memory": 10}, {"a": {"cpu": 3}, "c": {"memory": 12, "gpu": 1}})
    assert weights_of(full, "max") == {"free": 0, "a": Fraction(3, 4), "c": 1}


def test_even_is_the_same_for_whoever_ran_and_network_what_was_moved() -> None:
    holding = _holding({"cpu": 9}, {"a": {"cpu": 1, "network": 7}, "b": {"network": 2}})
    assert weights_of(holding, "even") == {"a": 1, "b": 1}
    assert weights_of(holding, "network") == {"free": 0, "a": 7, "b": 2}


_IDLE = Container(
    *("node", "m5.xlarge", "maps", "pod", "uid", "container"),
    *(ONE, 0, 0, 0, 0),
    *(None, None, None, None),
)


def test_a_pod_holds_what_it_requested_or_used_resource_by_resource() -> None:
    def held(base: str, *containers: Container) -> dict[str, int]:
        cluster = Cluster("some", "account", UNMARKED, (), (), ())
        one = ClusterHour(cluster, datetime(2026, 11, 20), [], [], list(containers), ())
        return holdings(one, base)["all"].held["maps"]

    first = _IDLE._replace(cpu_request=4, cpu_usage=1, memory_usage=2, received=5, transmitted=6)
    second = _IDLE._replace(cpu_request=1, cpu_usage=3, gpu_request=1)
    # Not container by container: that would be 4 + 3 cores.
    assert held("max", first, second) == {"cpu": 5, "memory": 2, "gpu": 1, "network": 11}
    assert held("request", first, second) == {"cpu": 5, "memory": 0, "gpu": 1, "network": 11}
    assert held("max", first, second._replace(cpu_usage=5))["cpu"] == 6


def test_storage_is_what_was_claimed_and_what_was_left_behind() -> None:
    volumes = [
        Volume("one", "vol-1", 2, "maps-canary", "one"),
        Volume("two", "vol-2", 3, "maps", "two"),
        Volume("left", "vol-3", 4, None, None),
    ]
    assert weights_of_volumes(volumes) == {"maps": 5 * ONE, "free": 4 * ONE}


# Levels, by hand

_WEIGHTS: dict[tuple[str, str], tuple[str, Weights]] = {
    ("k8s", "ml-0"): ("measured", {"lyftlearn": 5, "pricing": 3, "free": 2}),
    ("lyftlearn", "training"): ("pushed", {"pricing": 1, "lyftlearn": 1, "free": 1}),
    ("spark", "production"): ("interpolated", {"pricing": 1, "eta": 3, "free": 4}),
    ("features", "pricing"): ("pushed", {"shared-rides": 2, "pricing": 1}),
}
_LEVELS = Levels(
    {
        Key(SUB_PLATFORMS[place], SUB_PLATFORMS[place].cost_model, "all"): schedule_of(
            SUB_PLATFORMS[place], weights, basis
        )
        for place, (basis, weights) in _WEIGHTS.items()
    }
)


def _listed(parts: list[Part]) -> list[tuple[str, str, str, str | None, int]]:
    """Label, last platform, the path before it, basis and units."""
    return sorted(
        (part.label, part.steps[-1].sub_platform.platform, part.via, part.basis, part.units)
        for part in parts
    )


def test_a_part_goes_on_from_platform_to_platform() -> None:
    on_cluster = "k8s: ml-0 (all, weighted)"
    on_lyftlearn = f"{on_cluster} > lyftlearn: training (all, usage)"
    parts, throughputs = _LEVELS.split("ml-0", "AmazonEKS", "", "")
    assert sum(part.units for part in parts) == ONE
    # Half of it is LyftLearn's, whose thirds are .3333333334 of `free` and .3333333333 twice: of
    # 5000000000 that is 1666666667 and 1666666666.5 twice, and the unit left is the first's of
    # those two. Pricing's third is allocated two to one once more: 1111111110.7 and 555555555.3.
    assert _listed(parts) == [
        ("free", "k8s", "", "measured", 2_000_000_000),
        ("lyftlearn", "lyftlearn", on_cluster, "pushed", 1_666_666_667),
        ("lyftlearn", "lyftlearn", on_cluster, "pushed", 1_666_666_667),
        ("pricing", "features", on_cluster, "pushed", 1_000_000_000),
        ("pricing", "features", on_lyftlearn, "pushed", 555_555_555),
        ("shared-rides", "features", on_cluster, "pushed", 2_000_000_000),
        ("shared-rides", "features", on_lyftlearn, "pushed", 1_111_111_111),
    ]
    passed = [(one.step.sub_platform.platform, one.units, one.free_units) for one in throughputs]
    assert sorted(passed) == [
        ("features", 1_666_666_666, 0),
        ("features", 3_000_000_000, 0),
        ("k8s", ONE, 2_000_000_000),
        ("lyftlearn", 5_000_000_000, 1_666_666_667),
    ]


def test_what_spread_hides_is_measured_and_the_weakest_basis_stays() -> None:
    on_spark = "spark: production (all, usage)"
    parts, throughputs = _LEVELS.split("spark", "AmazonEC2", "BoxUsage:c5.2xlarge", "c5.2xlarge")
    assert _listed(parts) == [
        ("eta", "spark", "", "interpolated", 7_500_000_000),
        ("pricing", "features", on_spark, "interpolated", 833_333_333),
        ("shared-rides", "features", on_spark, "interpolated", 1_666_666_667),
    ]
    assert [(one.units, one.free_units) for one in throughputs] == [
        (ONE, 5_000_000_000),
        (2_500_000_000, 0),
    ]


def test_a_pool_that_the_hour_does_not_know_is_split_by_the_whole() -> None:
    parts, _ = _LEVELS.split("ml-0", "AmazonEC2", "BoxUsage:m5.xlarge", "m5.xlarge")
    assert {(part.via, part.basis) for part in parts if part.steps[0] != part.steps[-1]} == {
        ("k8s: ml-0 (sub_platform, weighted)", "sub_platform"),
        (
            "k8s: ml-0 (sub_platform, weighted) > lyftlearn: training (all, usage)",
            "sub_platform",
        ),
    }
    assert {part.steps[0].pool for part in parts} == {"all"}


def test_what_no_platform_splits_stays_where_it_is() -> None:
    assert _LEVELS.split("tiles", "AmazonS3", "", "") == ([Part("tiles", (), None, ONE)], [])


# The whole company


def _rows_of(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()


def _pushed(simulated: SimulationResult, platform: str) -> Iterator[dict[str, str]]:
    for path in sorted((simulated.platforms / platform).rglob("*.*")):
        with path.open(encoding="utf-8", newline="") as file:
            if path.suffix == ".jsonl":
                for line in file:
                    yield {name: str(value) for name, value in json.loads(line).items()}
            else:
                yield from csv.DictReader(file)


def _weights(
    simulated: SimulationResult, platform: str
) -> dict[tuple[str, datetime], dict[str, Fraction]]:
    """What was pushed: (sub-platform, hour) -> label -> usage, as the warehouse keeps it."""
    found: defaultdict[tuple[str, datetime], dict[str, Fraction]] = defaultdict(dict)
    for row in _pushed(simulated, platform):
        hour = datetime.fromisoformat(row["usage_hour"].removesuffix("Z"))
        label = row["lyft_label"].strip().lower()
        found[row["sub_platform"], hour][label] = ten_digits(row["usage"])
    return found


def _schedules(
    truth: Path, platform: str
) -> dict[tuple[str, datetime], tuple[str, dict[str, Decimal]]]:
    """The true schedules: (sub-platform, hour) -> basis and label -> proportion."""
    found: defaultdict[tuple[str, datetime], tuple[str, dict[str, Decimal]]] = defaultdict(
        lambda: ("", {})
    )
    for sub_platform, hour, basis, label, proportion in _rows_of(
        f"""
        select sub_platform, usage_hour, basis, lyft_label, proportion
        from '{truth}/schedule.parquet' where platform = '{platform}'
        """
    ):
        found[sub_platform, hour] = (basis, found[sub_platform, hour][1] | {label: proportion})
    return found


def test_the_schedules_of_lyftlearn_and_features_are_what_was_pushed(
    simulated: SimulationResult,
) -> None:
    for platform in ("lyftlearn", "features"):
        pushed = _weights(simulated, platform)
        assert _schedules(simulated.truth, platform) == {
            key: ("pushed", shares(held)) for key, held in pushed.items()
        }
    # Nobody but LyftLearn itself is there at night, and some train nothing by day.
    held = _weights(simulated, "lyftlearn")
    assert set(held["training", datetime(2026, 11, 18, 3)]) == {"lyftlearn", "free"}
    assert any(usage == 0 for by_label in held.values() for usage in by_label.values())


def test_spark_s_schedules_spread_what_was_free_and_bridge_what_was_lost(
    simulated: SimulationResult,
) -> None:
    pushed = _weights(simulated, "spark")
    before, after = (pushed["production", datetime(2026, 11, 18, hour)] for hour in (11, 14))
    for lost, (since, until) in ((12, (1, 2)), (13, (2, 1))):
        assert ("production", datetime(2026, 11, 18, lost)) not in pushed
        pushed["production", datetime(2026, 11, 18, lost)] = {
            label: (until * before[label] + since * after[label]) / 3 for label in before
        }
    expected = {}
    for (name, hour), held in pushed.items():
        used = {label: usage for label, usage in held.items() if label != "free"}
        is_lost = hour in (datetime(2026, 11, 18, 12), datetime(2026, 11, 18, 13))
        # Over nobody nothing can be spread.
        expected[name, hour] = (
            "interpolated" if is_lost else "pushed",
            shares(used) if used else {"free": Decimal("1.0000000000")},
        )
    assert _schedules(simulated.truth, "spark") == expected
    assert ("pushed", {"free": Decimal(1)}) in expected.values()


def test_there_are_gpus_by_day_only_and_only_pods_that_ask_run_on_them(
    simulated: SimulationResult,
) -> None:
    folder = f"{simulated.kubernetes}/cluster=ml-0/*"
    assert _rows_of(
        f"""
        select hour(usage_hour) between 5 and 22 as is_day, max(gpu_capacity_gpu_hours)
        from '{folder}/node_hours.parquet' group by all order by all
        """
    ) == [(False, Decimal(0)), (True, Decimal(1))]
    assert _rows_of(
        f"""
        select distinct instance_type from '{folder}/container_hours.parquet'
        where gpu_request_gpu_hours > 0 order by all
        """
    ) == [("g5.xlarge",), (None,)]


def test_every_depth_is_there_and_what_passed_ends_somewhere(simulated: SimulationResult) -> None:
    truth = simulated.truth
    assert _rows_of(
        f"""
        select distinct len(string_split(via, ' > ')) + (via <> '')::int
        from '{truth}/enriched_spend.parquet' where platform is not null order by all
        """
    ) == [(1,), (2,), (3,)]
    # What passed through a platform ended there, or with a platform that lists it on its way.
    assert (
        _rows_of(
            f"""
            with spend as (
                select
                    list_append(
                        [part for part in string_split(via, ' > ') if part <> ''],
                        concat(platform, ': ', sub_platform, ' (')
                    ) as steps,
                    spend_family
                from '{truth}/enriched_spend.parquet' where platform is not null
            ),
            ended as (
                select split_part(step, ' (', 1) as place, sum(spend_family) as spend
                from (select unnest(steps) as step, spend_family from spend) group by all
            ),
            passed as (
                select concat(platform, ': ', sub_platform) as place, sum(spend_family) as spend
                from '{truth}/unallocated_capacity.parquet' group by all
            )
            from ended full join passed using (place)
            where ended.spend is distinct from passed.spend
            """
        )
        == []
    )
