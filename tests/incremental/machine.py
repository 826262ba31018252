"""Any sequence of deltas leaves the marts that a full refresh would make.

Deltas gather until a few are there; then they are landed and built, as a daily run would. Some of
the builds are killed, some fail in a test and are put right. At the end of a sequence everything is
built once more, and compared with a full refresh of a copy of the same warehouse.
"""

import os
import shutil
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import ClassVar

import duckdb
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from builder import build
from tests.command_line import INFRASPEND
from tests.end_to_end.companies import ROOT, WITHOUT_UNIT_TESTS
from tests.incremental.world import LABELS, MONTHS, PAYER, TURN, Row, World

NOT_COMPARED = {"restatements", "int_label_keys"}
"""History tells of deliveries whose lines are gone, as a full refresh cannot. Keys say from when
until when no rule changes, beyond the month as well, where nobody asks."""

names = st.sampled_from([month.name for month in MONTHS])
dates = st.sampled_from(
    ("", "2026-10-01", "2026-10-31 22:00:00", "2026-11-01", "2026-11-15", "2026-12-01 01:00:00")
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
)


class Deltas(RuleBasedStateMachine):
    """See the module.

    Attributes:
        directory: Where all machines live, one after the other, so that dbt parses once.
        world: Makes the company anew, as it was after its first build.
        seen: How often each delta was taken, in all sequences.
    """

    directory: ClassVar[Path]
    seen: ClassVar[Counter[str]] = Counter()
    pending = 0
    enough = 3
    kill_at = 0
    breaks = False

    @classmethod
    def start(cls) -> World:
        """The company, built: to be replaced by the test that runs this."""
        raise NotImplementedError

    @initialize(enough=st.integers(2, 4))
    def begins(self, enough: int) -> None:
        self.world = self.start()
        self.enough = enough
        self.seen["sequences"] += 1

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.kill_at = 0
        if self.pending or self.breaks:
            self._build()
        self._compare()

    # What AWS delivers.

    @rule(period=names, days=st.integers(0, 3))
    def days_of_usage_come_or_go(self, period: str, days: int) -> None:
        self._restated("days", period, days=days)

    @rule(period=names, price=st.integers(1, 10**9))
    def a_month_is_restated(self, period: str, price: int) -> None:
        self._restated("price", period, price=price)

    @rule(period=names, others=st.frozensets(st.integers(0, 7), max_size=5))
    def payers_come_and_go(self, period: str, others: frozenset[int]) -> None:
        others = frozenset(number % len(self.world.others) for number in others)
        self._restated("others", period, others=others)

    @rule(period=names)
    def a_month_vanishes_or_comes_back(self, period: str) -> None:
        month = self.world.months[period]
        self._restated("vanished", period, is_gone=not month.is_gone)

    @rule(period=names, tag=st.sampled_from(("", "project", "user", "team")))
    def lines_get_a_new_tag(self, period: str, tag: str) -> None:
        self._restated("tag", period, tag=tag)

    @rule(period=names, late=st.integers(0, 30))
    def a_bill_corrects_hours_of_the_month_before(self, period: str, late: int) -> None:
        self._restated("late charges", period, late=late)

    @rule(period=names, long=st.sampled_from((0, 2, 24, 48)))
    def charges_are_for_longer_than_an_hour(self, period: str, long: int) -> None:
        self._restated("long charges", period, long=long)

    @rule(discount=st.integers(0, 10**10))
    def an_upfront_fee_gets_a_discount(self, discount: int) -> None:
        self._restated("upfront discount", MONTHS[0].name, discount=discount)

    # What is used.

    @rule(cluster=st.sampled_from(("blue", "green")), turn=turns, hours=hours_around, parts=shares)
    def usage_of_a_cluster(
        self, cluster: str, turn: int, hours: set[int], parts: tuple[int, int, int]
    ) -> None:
        self.world.collect(cluster, turn, sorted(hours), parts)
        self._changed("collection")

    @rule(place=published, turn=turns, hours=hours_around, parts=shares)
    def an_owner_publishes(
        self,
        place: tuple[str, str],
        turn: int,
        hours: set[int],
        parts: tuple[int, int, int],
    ) -> None:
        self.world.publish(place, turn, sorted(hours), parts)
        self._changed(f"published {place[0]}")

    # What people declare.

    @rule(kind=st.sampled_from(RULES), since=dates, until=dates, order=st.integers(1, 60))
    def a_rule_comes(
        self, kind: tuple[str, str, str, str, str], since: str, until: str, order: int
    ) -> None:
        columns = ("match_on", "match_key", "match_type", "match_value", "lyft_label")
        row = dict(zip(columns, kind, strict=True))
        rows = [one for one in self.world.seeds["label_rules"] if one["rule_order"] != str(order)]
        row |= {"rule_order": str(order)} | _between(since, until)
        self.world.seeds["label_rules"] = [*rows, row]
        self._changed(f"rule on {kind[0]}")

    @rule(number=st.integers(0, 9), until=dates)
    def a_rule_ends(self, number: int, until: str) -> None:
        rules = self.world.seeds["label_rules"]
        self._ends(rules, number, until)
        self._changed("rule ended")

    @rule(label=st.sampled_from(LABELS), team=st.booleans(), since=dates)
    def a_label_changes_hands(self, label: str, team: bool, since: str) -> None:
        owners = [one for one in self.world.seeds["label_owners"] if one["lyft_label"] != label]
        if since:
            owners.append({"lyft_label": label, "team": "data-team", "owned_until": since})
        name = "web-team" if team else "data-team"
        owners.append({"lyft_label": label, "team": name, "owned_from": since})
        self.world.seeds["label_owners"] = owners
        self._changed("owner")

    @rule(org=st.sampled_from(("org", "other")), since=dates)
    def a_team_changes_orgs(self, org: str, since: str) -> None:
        team = {"team": "web-team", "contact": "us@example.com"}
        teams = [one for one in self.world.seeds["teams"] if one["team"] != "web-team"]
        if since:
            teams.append(team | {"org": "former", "valid_until": since})
        self.world.seeds["teams"] = [*teams, team | {"org": org, "valid_from": since}]
        self._changed("team")

    @rule(
        number=st.integers(0, 5),
        model=st.integers(0, 4),
        policy=st.sampled_from(("label", "spread", "owner")),
        pool=st.sampled_from(("instance_type", "node", "sub_platform")),
        lending=st.sampled_from((("3", "24"), ("0", "0"), ("12", "30"))),
        since=dates,
        until=dates,
    )
    def a_platform_is_edited(
        self,
        number: int,
        model: int,
        policy: str,
        pool: str,
        lending: tuple[str, str],
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
            "interpolate_hours": lending[0],
            "carry_hours": lending[1],
        }
        kept = [one for one in rows if (one["platform"], one["sub_platform"]) != place]
        if since:
            kept.append(old | {"valid_from": "", "valid_until": since})
        self.world.seeds["platforms"] = [*kept, row | _between(since, until)]
        self._changed(f"platform pooled by {row['pool_by']}, {row['cost_model']}")

    @rule(number=st.integers(0, 9), until=dates)
    def what_belongs_to_a_platform_ends(self, number: int, until: str) -> None:
        self._ends(self.world.seeds["platform_resources"], number, until)
        self._changed("resource ended")

    @rule(label=st.sampled_from(LABELS[:2]), model=st.sampled_from(("memory", "even")))
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
        self._changed("resource")

    @rule(period=names)
    def a_month_is_closed_or_opened(self, period: str) -> None:
        closed = self.world.seeds["closed_periods"]
        kept = [one for one in closed if one["billing_period"] != period]
        if kept == closed:
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
        self._changed("closed period")

    @rule()
    def a_report_is_declared_or_not(self) -> None:
        row = {"report": "export", "payer_account_id": PAYER}
        self.world.seeds["reports"] = [] if self.world.seeds["reports"] else [row]
        self._changed("report")

    # What goes wrong.

    @precondition(lambda self: not self.kill_at)
    @rule(line=st.integers(5, 110))
    def the_next_build_is_killed(self, line: int) -> None:
        self.kill_at = line

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
            self._build_and_kill(self.kill_at)
            self.kill_at = 0
            self.seen["builds that were killed"] += 1
            return
        self.result = self.world.company.build(*WITHOUT_UNIT_TESTS)
        self.seen["builds" if self.result.succeeded else "builds that found bad data"] += 1

    def _build_and_kill(self, after: int) -> None:
        """Kills a build and all its processes as soon as it told so many lines."""
        company = self.world.company
        command = [INFRASPEND, "build", "--warehouse", company.warehouse, *WITHOUT_UNIT_TESTS]
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
            os.killpg(process.pid, signal.SIGKILL)

    def _compare(self) -> None:
        """Compares every table with that of a full refresh, row by row, both ways."""
        self.result = self.world.company.build(*WITHOUT_UNIT_TESTS)
        warehouse = self.world.company.warehouse
        full = self.directory / "full" / "infraspend.duckdb"
        full.parent.mkdir(exist_ok=True)
        shutil.copy(warehouse, full)
        # Where the data are bad, both must say so.
        without = () if not self.result.succeeded else ("--exclude-resource-type", "test")
        told = build(
            full,
            ROOT,
            self.world.company.seeds,
            ("--full-refresh", *WITHOUT_UNIT_TESTS, *without),
        )
        assert _names_of(told.failures) == _names_of(self.result.failures)
        self.seen["comparisons"] += 1
        if not self.result.succeeded:
            self.seen["comparisons of failures"] += 1
            return
        differences = different_rows(warehouse, full)
        assert not differences, "\n".join(differences)


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
            if table in NOT_COMPARED or table.startswith("int_rebuilds_"):
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


def _between(since: str, until: str) -> Row:
    return {"valid_from": since, "valid_until": until if until > since else ""}


def _names_of(failures: tuple[str, ...]) -> set[str]:
    return {line.partition(" ")[0] for line in failures if "were skipped" not in line}
