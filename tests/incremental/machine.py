"""Any sequence of deltas leaves the marts that a full refresh would make.

Deltas gather until a few are there; then they are landed and built, as a daily run would. Some of
the builds are killed, some fail in a test and are put right. At the end of a sequence everything is
built once more, and compared with a full refresh of a copy of the same warehouse.
"""

import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ClassVar

import duckdb
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from infraspend.builder import build
from tests.command_line.process import INFRASPEND
from tests.end_to_end.companies import ROOT, WITHOUT_UNIT_TESTS, Company, copy_project
from tests.generated_bills.bills import drawn
from tests.incremental.world import (
    LABELS,
    MONTHS,
    PAYER,
    TURN,
    Row,
    World,
    begin,
    first_seeds,
)

SEED = 184
"""Of the first sequence, if none is named."""

NOT_COMPARED = {"int_label_matches"}
"""Keys say from when until when no rule changes, beyond the month as well, where nobody asks."""

MAY_REFUSE = {"something_is_left_of_every_period"}
"""Tests that may fail on what deltas make: two reports cover a month, and none is declared."""

AT_MOST = 2
"""How often one kind of delta is taken in a sequence: the next one shall be another."""

names = st.sampled_from([month.name for month in MONTHS])
dates = st.sampled_from(
    ("", "2026-03-01", "2026-03-31 22:00:00", "2026-04-01", "2026-04-15", "2026-05-01 01:00:00")
)
shares = st.tuples(*[st.integers(1, 9)] * 3)
turns = st.integers(0, 2)
published = st.sampled_from(
    (("spark", "prod"), ("made", "one"), ("features", "api"), ("shares", "old"))
)
hours_around = st.sets(st.sampled_from(TURN), min_size=1, max_size=4)
RULES = (
    ("account", "", "equals", PAYER, "web"),
    ("tag", "user_project", "present", "", "{value}"),
    ("tag", "user_service", "equals", "green", "spark"),
    ("usage_type", "", "equals", "BoxUsage:m5.xlarge", "api"),
    ("resource_id", "", "regex", "^i-0+(1)$", "node-{1}"),
    ("resource_id", "", "equals", "bucket-web", "made"),
    ("namespace", "", "equals", "web", "api"),
    ("namespace", "", "regex", "^(a)pi$", "first-{1}"),
    ("pod_label", "app", "present", "", "{value}"),
)


def delta(**drawn: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """Something that changes, with what hypothesis draws for it."""

    def decorate(change: Callable[..., None]) -> Any:
        name = change.__name__

        @wraps(change)
        def take(self: "Deltas", **values: Any) -> None:
            self.taken[name] += 1
            change(self, **values)

        return precondition(lambda self: self.taken[name] < AT_MOST)(rule(**drawn)(take))

    return decorate


class Deltas(RuleBasedStateMachine):
    """See the module.

    Attributes:
        directory: Where all machines live, one after the other, so that dbt parses once.
        at_once: The project, made to build all months in one statement; see `project_at_once`.
        world: Makes the company again, as it was after its first build.
        seen: How often each delta was taken, in all sequences.
        taken: How often each rule was, in this sequence.
    """

    directory: ClassVar[Path]
    at_once: ClassVar[Path]
    seen: ClassVar[Counter[str]] = Counter()
    pending = 0
    enough = 3
    kill_at: tuple[int, int] | None = None
    breaks = False
    is_built = False

    @classmethod
    def start(cls) -> World:
        """The company, built: to be replaced by the test that runs this."""
        raise NotImplementedError

    @initialize(enough=st.integers(0, 3))
    def begins(self, enough: int) -> None:
        # Hypothesis begins with the simplest of everything: the same few deltas, again and again.
        assume(enough)
        self.world = self.start()
        self.enough = enough
        self.taken: Counter[str] = Counter()

    def teardown(self) -> None:
        # Hypothesis also begins what it then finds to lead nowhere.
        if not hasattr(self, "world") or not self.taken:
            return
        self.seen["sequences"] += 1
        self.kill_at = None
        if self.pending or self.breaks:
            self._build()
        self._compare()

    # What AWS delivers.

    @delta(period=names, days=st.integers(0, 4))
    def days_of_usage_come_or_go(self, period: str, days: int) -> None:
        is_new = days > self.world.months[period].days
        self._restated("a new day" if is_new else "days that go", period, days=days)

    @delta(period=names, price=st.integers(1, 10**9))
    def a_month_is_restated(self, period: str, price: int) -> None:
        self._restated("a restated month", period, price=price)

    @delta(period=names, others=st.frozensets(st.integers(0, 7), max_size=5))
    def payers_come_and_go(self, period: str, others: frozenset[int]) -> None:
        others = frozenset(number % len(self.world.others) for number in others)
        self._restated("payers", period, others=others)

    @delta(period=names)
    def a_month_vanishes_or_comes_back(self, period: str) -> None:
        is_gone = self.world.months[period].is_gone
        what = "a month that comes back" if is_gone else "a month that vanishes"
        self._restated(what, period, is_gone=not is_gone)

    @delta(period=names, tag=st.sampled_from(("", "project", "user", "team")))
    def lines_get_a_new_tag(self, period: str, tag: str) -> None:
        self._restated("a new tag", period, tag=tag)

    @delta(period=names)
    def a_column_comes_or_goes(self, period: str) -> None:
        lacks = {"line_item_operation"} ^ self.world.months[period].lacks
        what = "a column that goes" if lacks else "a new column"
        self._restated(what, period, lacks=frozenset(lacks))

    @delta(period=names, late=st.integers(0, 30))
    def a_bill_corrects_hours_of_the_month_before(self, period: str, late: int) -> None:
        self._restated("late charges", period, late=late)

    @delta(period=names, long=st.sampled_from((0, 2, 24, 48)))
    def charges_are_for_longer_than_an_hour(self, period: str, long: int) -> None:
        self._restated("long charges", period, long=long)

    @delta(discount=st.integers(0, 10**10))
    def an_upfront_fee_gets_a_discount(self, discount: int) -> None:
        self._restated("upfront discount", MONTHS[0].name, discount=discount)

    # What is used.

    @delta(
        cluster=st.sampled_from(("blue", "green")),
        turn=turns,
        hours=hours_around,
        parts=shares,
        samples=st.sampled_from((60, 60, 30)),
        app=st.sampled_from(("", "shop")),
    )
    def usage_of_a_cluster(
        self,
        cluster: str,
        turn: int,
        hours: set[int],
        parts: tuple[int, int, int],
        samples: int,
        app: str,
    ) -> None:
        self.world.collect(cluster, turn, sorted(hours), parts, samples=samples, app=app)
        self._changed(f"{_late(turn)} of a cluster")

    @delta(place=published, turn=turns, hours=hours_around, parts=shares)
    def an_owner_publishes(
        self,
        place: tuple[str, str],
        turn: int,
        hours: set[int],
        parts: tuple[int, int, int],
    ) -> None:
        self.world.publish(place, turn, sorted(hours), parts)
        self._changed(f"{_late(turn)} of {place[0]}")

    # What people declare.

    @delta(kind=st.sampled_from(RULES), since=dates, until=dates, order=st.integers(1, 60))
    def a_rule_comes(
        self, kind: tuple[str, str, str, str, str], since: str, until: str, order: int
    ) -> None:
        columns = ("match_on", "match_key", "match_type", "match_value", "lyft_label")
        row = dict(zip(columns, kind, strict=True))
        rows = [one for one in self.world.seeds["label_rules"] if one["rule_order"] != str(order)]
        row |= {"rule_order": str(order)} | _between(since, until)
        self.world.seeds["label_rules"] = [*rows, row]
        self._changed(f"rule on {kind[0]}")

    @delta(number=st.integers(0, 9), until=dates)
    def a_rule_ends(self, number: int, until: str) -> None:
        rules = self.world.seeds["label_rules"]
        self._ends(rules, number, until)
        self._changed("a rule that ends")

    @delta(label=st.sampled_from(LABELS), team=st.booleans(), since=dates)
    def a_label_changes_hands(self, label: str, team: bool, since: str) -> None:
        owners = [one for one in self.world.seeds["label_owners"] if one["lyft_label"] != label]
        if since:
            owners.append({"lyft_label": label, "team": "data-team", "owned_until": since})
        name = "web-team" if team else "data-team"
        owners.append({"lyft_label": label, "team": name, "owned_from": since})
        self.world.seeds["label_owners"] = owners
        self._changed("an owner")

    @delta(org=st.sampled_from(("org", "other")), since=dates)
    def a_team_changes_orgs(self, org: str, since: str) -> None:
        team = {"team": "web-team", "contact": "us@example.com"}
        teams = [one for one in self.world.seeds["teams"] if one["team"] != "web-team"]
        if since:
            teams.append(team | {"org": "former", "valid_until": since})
        self.world.seeds["teams"] = [*teams, team | {"org": org, "valid_from": since}]
        self._changed("a team")

    @delta(
        number=st.integers(0, 5),
        model=st.integers(0, 4),
        policy=st.sampled_from(("label", "spread", "owner")),
        pool=st.sampled_from(("instance_type", "node", "sub_platform")),
        gap_filling=st.sampled_from((("3", "24"), ("0", "0"), ("11", "30"))),
        since=dates,
        until=dates,
    )
    def a_platform_is_edited(
        self,
        number: int,
        model: int,
        policy: str,
        pool: str,
        gap_filling: tuple[str, str],
        since: str,
        until: str,
    ) -> None:
        places = sorted(
            {(one["platform"], one["sub_platform"]) for one in self.world.seeds["platforms"]}
        )
        place = places[number % len(places)]
        rows = self.world.seeds["platforms"]
        old = next(one for one in rows if (one["platform"], one["sub_platform"]) == place)
        is_cluster = old["schedule_source"] == "kubernetes"
        models = ("cpu", "memory", "max", "weighted", "even") if is_cluster else (
            "usage", "even", "fixed", "usage", "usage"
        )  # fmt: skip
        row = old | {
            "cost_model": models[model],
            "free_policy": policy,
            "pool_by": pool if is_cluster else "sub_platform",
            "interpolate_hours": gap_filling[0],
            "carry_hours": gap_filling[1],
        }
        kept = [one for one in rows if (one["platform"], one["sub_platform"]) != place]
        if since:
            kept.append(old | {"valid_from": "", "valid_until": since})
        self.world.seeds["platforms"] = [*kept, row | _between(since, until)]
        self._changed(f"a platform pooled by {row['pool_by']}")

    @delta(platform=st.sampled_from(("features", "made", "spark", "shares")))
    def a_platform_is_given_up_or_taken_up(self, platform: str) -> None:
        is_there = any(row["platform"] == platform for row in self.world.seeds["platforms"])
        for seed in ("platforms", "platform_resources"):
            kept = [row for row in self.world.seeds[seed] if row["platform"] != platform]
            again = [row for row in first_seeds()[seed] if row["platform"] == platform]
            self.world.seeds[seed] = kept if is_there else [*kept, *again]
        self._changed("a platform that goes" if is_there else "a platform that comes")

    @delta(number=st.integers(0, 9), until=dates)
    def what_belongs_to_a_platform_ends(self, number: int, until: str) -> None:
        self._ends(self.world.seeds["platform_resources"], number, until)
        self._changed("a resource that ends")

    @delta(label=st.sampled_from(LABELS[:2]), model=st.sampled_from(("memory", "even", "storage")))
    def a_product_of_a_platform_gets_a_cost_model(self, label: str, model: str) -> None:
        row = {
            "platform": "k8s",
            "sub_platform": label,
            "lyft_label": label,
            "product": "AmazonEC2",
            "cost_model": model,
        }
        rows = [
            one
            for one in self.world.seeds["platform_resources"]
            if not (one["lyft_label"] == label and one.get("product"))
        ]
        self.world.seeds["platform_resources"] = [*rows, row]
        self._changed("a resource")

    @delta(period=names)
    def a_month_is_closed_or_opened(self, period: str) -> None:
        closed = self.world.seeds["closed_periods"]
        kept = [one for one in closed if one["billing_period"] != period]
        is_open = kept == closed
        if is_open:
            served = self._rows(
                "select assembly_id from raw_aws_cur.assemblies where billing_period = ? "
                "and line_count > 0 order by manifest_time limit 1",
                period,
            )
            payers = self._rows(
                "select distinct payer_account_id from raw_aws_cur.control_totals "
                "where assembly_id = ?",
                served[0][0] if served else "",
            )
            kept += [
                {
                    "payer_account_id": payer,
                    "billing_period": period,
                    "assembly_id": served[0][0],
                    "closed_at": "2027-01-05",
                }
                for (payer,) in payers
            ]
        self.world.seeds["closed_periods"] = kept
        self._changed("a month that is closed" if is_open else "a month that is opened")

    @delta(period=names, price=st.integers(1, 10**9))
    def a_second_report_is_used_for_a_month(self, period: str, price: int) -> None:
        self.world.report_again(period, price)
        self.world.declare_reports()
        self._changed("a second report")

    @delta()
    def reports_are_declared_or_not(self) -> None:
        """Where two cover a month and none is declared, the build is refused."""
        if self.world.seeds["reports"]:
            self.world.seeds["reports"] = []
        else:
            self.world.declare_reports()
        self._changed("a report that is declared or not")

    # What goes wrong.

    @precondition(lambda self: not self.kill_at)
    @rule(line=st.integers(5, 110), milliseconds=st.integers(0, 300))
    def the_next_build_is_killed(self, line: int, milliseconds: int) -> None:
        self.kill_at = line, milliseconds

    @precondition(lambda self: not self.breaks)
    @rule()
    def the_next_build_fails_in_a_test(self) -> None:
        self.breaks = True

    def _restated(self, what: str, period: str, **values: object) -> None:
        self.world.change(period, **values)
        self._changed(what)

    def _ends(self, rows: list[Row], number: int, until: str) -> None:
        if not rows:
            return
        row = rows[number % len(rows)]
        since = row.get("valid_from", "")
        rows[number % len(rows)] = row | {"valid_until": until if until > since else ""}

    def _changed(self, what: str) -> None:
        self.seen[what] += 1
        self.pending += 1
        if self.pending >= self.enough:
            self._build()

    def _rows(self, sql: str, *values: str) -> list[tuple[str, ...]]:
        with duckdb.connect(self.world.company.warehouse, read_only=True) as connection:
            return connection.execute(sql, list(values)).fetchall()

    def _build(self) -> None:
        """Lands what is pending and builds it, as badly as was asked for."""
        self.pending = 0
        self.is_built = False
        if self.breaks:
            # A platform that is declared twice: tests in the middle of the build refuse it.
            platforms = self.world.seeds["platforms"]
            self.world.seeds["platforms"] = [*platforms, platforms[0]]
            self.world.land()
            result = self.world.company.build(*WITHOUT_UNIT_TESTS)
            assert not result.succeeded
            self.world.seeds["platforms"] = platforms
            self.breaks = False
            self.seen["builds that failed in a test"] += 1
        self.world.land()
        if self.kill_at:
            was_killed = self._build_and_kill(*self.kill_at)
            self.kill_at = None
            self.seen["builds that were killed" if was_killed else "builds killed too late"] += 1
            return
        self.result = self.world.company.build(*WITHOUT_UNIT_TESTS)
        self.is_built = True
        self.seen["builds" if self.result.succeeded else "builds that found bad data"] += 1
        for name in _names_of(self.result.failures):
            self.seen[f"refused by {name}"] += 1
        assert _names_of(self.result.failures) <= MAY_REFUSE, "\n".join(self.result.failures)

    def _build_and_kill(self, after: int, milliseconds: int) -> bool:
        """Kills a build and all its processes, so long after it printed so many lines.

        Returns:
            Whether it was still at work.
        """
        company = self.world.company
        engine = ("--engine", "spark") if company.lake else ()
        lake = ("--lake", company.lake.url) if company.lake else ()
        command = [
            *(INFRASPEND, *engine, "build", "--warehouse", company.warehouse, *lake),
            *WITHOUT_UNIT_TESTS,
        ]
        with subprocess.Popen(
            command,
            env=os.environ | {"INFRASPEND_SEEDS": str(company.seeds)},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stdout is not None
            for number, _ in enumerate(process.stdout):
                if number == after:
                    break
            time.sleep(milliseconds / 1000)
            os.killpg(process.pid, signal.SIGKILL)
        # Also dbt is gone when its lock is.
        until_free = Retrying(
            retry=retry_if_exception_type(duckdb.IOException),
            wait=wait_fixed(0.1),
            stop=stop_after_delay(30),
            reraise=True,
        )
        until_free(self._rows, "select 1")
        return process.returncode == -signal.SIGKILL

    def _compare(self) -> None:
        """Compares every table with that of a full refresh, row by row, both ways."""
        if not self.is_built:
            self.result = self.world.company.build(*WITHOUT_UNIT_TESTS)
        full = self.directory / "full" / "infraspend.duckdb"
        full.parent.mkdir(exist_ok=True)
        shutil.copy(self.world.company.warehouse, full)
        # Where the data are bad, both must say so.
        without = () if not self.result.succeeded else ("--exclude-resource-type", "test")
        built = build(
            full,
            self.at_once,
            self.world.company.seeds,
            ("--full-refresh", *WITHOUT_UNIT_TESTS, *without),
        )
        assert _names_of(built.failures) == _names_of(self.result.failures)
        self.seen["comparisons"] += 1
        if not self.result.succeeded:
            self.seen["comparisons of failures"] += 1
            return
        differences = self.differences(full)
        assert not differences, "\n".join(differences)

    def differences(self, full: Path) -> list[str]:
        """The tables that differ from those of a full refresh, which is in this file."""
        return different_rows(self.world.company.warehouse, full)


def run_sequences(
    machine: type[Deltas], company: Company, *, sequences: int, steps: int, first_seed: str | None
) -> None:
    """Runs sequences of deltas, each from the company as it was after its first build.

    Args:
        machine: What takes the deltas and compares.
        company: Where the company lives, in all sequences, so that dbt parses once.
        sequences: How many.
        steps: How many deltas each has.
        first_seed: The seed of the first; the others have those after it. `SEED`, if None.
    """
    directory = company.root.parent
    # Bills of any kind, few enough to land quickly.
    others = drawn(6, 20261124)
    first = directory / "first"
    world = begin(company, others)
    world.land()
    result = company.build(*WITHOUT_UNIT_TESTS)
    assert result.succeeded, "\n".join(result.failures)
    shutil.copytree(company.root, first)

    class Sequence(machine):  # type: ignore[misc, valid-type]
        @classmethod
        def start(cls) -> World:
            for folder in ("bill", "kubernetes", "platforms"):
                shutil.rmtree(company.root / folder)
                shutil.copytree(first / folder, company.root / folder)
            # dbt's artifacts stay: parsing is the dearest part of a build.
            pipelines = company.root / "warehouse"
            for path in pipelines.iterdir():
                if path.suffix == ".dbt":
                    continue
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            shutil.copytree(
                first / "warehouse",
                pipelines,
                dirs_exist_ok=True,
                ignore=shutil.ignore_patterns("*.dbt"),
            )
            return World(company, others, months=dict(world.months), deliveries=world.deliveries)

    Sequence.directory = directory
    Sequence.at_once = project_at_once(directory / "at_once")
    # A failing sequence is printed as it was found: making it shorter takes a build for each step.
    # Hypothesis would make most sequences from those before; here each is drawn on its own.
    how = settings(
        max_examples=1,
        stateful_step_count=steps,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        derandomize=False,
    )
    for number in range(int(first_seed or SEED), int(first_seed or SEED) + sequences):
        before = Deltas.seen.copy()
        try:
            run_state_machine_as_test(seeded(number)(Sequence), settings=how)  # type: ignore[arg-type]
        finally:
            print(f"\n{number}: {_printed(Deltas.seen - before)}", flush=True)
    print(f"all: {_printed(Deltas.seen)}")


def _printed(seen: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(seen.items()))


def project_at_once(to: Path) -> Path:
    """A copy of the project whose full refresh knows nothing of months: the judge of all others."""
    project = copy_project(to)
    settings = project / "dbt_project.yml"
    lines = settings.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if "+pre-hook" not in line and "+post-hook" not in line]
    assert len(lines) - len(kept) == 2
    settings.write_text("".join(kept), encoding="utf-8")
    return project


def different_rows(ours: Path, full: Path) -> list[str]:
    """The tables of two warehouses that differ, and a row of each that only one has."""
    found = []
    with duckdb.connect() as connection:
        connection.execute(f"attach '{ours}' as ours (read_only)")
        connection.execute(f"attach '{full}' as truth (read_only)")
        tables = connection.execute(
            "select distinct schema_name, table_name from duckdb_tables() where database_name in"
            " ('ours', 'truth') and schema_name in ('marts', 'intermediate') order by all"
        ).fetchall()
        for schema, table in tables:
            if table in NOT_COMPARED:
                continue
            for side, other in (("ours", "truth"), ("truth", "ours")):
                query = (
                    f"select * from {side}.{schema}.{table} "
                    f"except all select * from {other}.{schema}.{table}"
                )
                rows = connection.execute(query).fetchall()
                if rows:
                    found.append(f"{table}: {len(rows)} only in {side}, such as {rows[0]}")
    return found


def _late(turn: int) -> str:
    """What usage is called that comes when later months are there already, and other usage."""
    return "usage" if turn == len(MONTHS) - 1 else "late usage"


def _between(since: str, until: str) -> Row:
    return {"valid_from": since, "valid_until": until if until > since else ""}


def _names_of(failures: tuple[str, ...]) -> set[str]:
    return {line.partition(" ")[0] for line in failures if "were skipped" not in line}
