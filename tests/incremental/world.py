"""A small company whose bill, usage and facts change, one delta at a time.

It spans three months, with charges and usage around the turns of the months, where a month depends
on its neighbours. Amounts are small and odd, so that a row made from other ingredients differs.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from infraspend.loaders import aws_cur, kubernetes, platforms
from infraspend.loaders.aws_cur.loading import Policy
from tests.end_to_end.companies import ROOT, Company
from tests.generated_bills.bills import (
    HOUR,
    INSTANCES,
    PERIODS,
    Bill,
    Line,
    Period,
    line,
    of_instance,
    period_of,
    text_of,
)
from tests.generated_bills.delivery import deliver
from tests.loaders.collections import POD, collect

Row = dict[str, str]

MONTHS = (*PERIODS[:2], Period(datetime(2026, 5, 1), 1))
PAYER = "900000000000"
LABELS = ("blue", "green", "spark", "made", "fixed", "api", "web")
REPORT, SECOND_REPORT = "export", "second"
ARN = "arn:aws:ec2:us-east-1::reserved-instances/of-the-company"
TURN = tuple(range(-30, 5))
"""The hours around the turn of a month that something can be published for."""


@dataclass(frozen=True)
class Month:
    """What the bill of a month says.

    Attributes:
        days: How many of its days with usage are on the bill.
        price: What an hour costs, in units of 1e-10 dollars.
        late: How many charges it has for hours of the month before.
        corrects: It has a day of the first month's reservation, which was not paid for in time.
        long: How many hours its long charges have; 0 for none.
        tag: A tag key that its lines have besides others; none if empty.
        discount: What a discount line takes off the upfront fee, if this is the month of it.
        lacks: Columns that the delivery does not have.
        others: The generated payers that are on its bill.
        is_gone: The delivery has no lines at all.
    """

    days: int = 4
    price: int = 123_456_789
    late: int = 0
    corrects: bool = False
    long: int = 0
    tag: str = ""
    discount: int = 0
    lacks: frozenset[str] = frozenset()
    others: frozenset[int] = frozenset()
    is_gone: bool = False


def declared(platform: str, sub: str, source: str, model: str, **values: str) -> Row:
    """A row of the seed `platforms`."""
    return {
        "platform": platform,
        "sub_platform": sub,
        "schedule_source": source,
        "cost_model": model,
        "owner": "web-team",
    } | values


def first_seeds() -> dict[str, list[Row]]:
    """The facts that the company begins with."""
    rules = (
        ("10", "tag", "user_service", "present", "", "{value}"),
        ("20", "tag", "user_team", "present", "", "{value}"),
        ("30", "resource_id", "", "regex", "^bucket-([a-z]+)$", "{1}"),
        ("40", "namespace", "", "equals", "kube-system", "system"),
    )
    names = ("rule_order", "match_on", "match_key", "match_type", "match_value", "lyft_label")
    return {
        "label_rules": [dict(zip(names, rule, strict=True)) for rule in rules],
        "label_owners": [
            {"lyft_label": label, "team": "web-team"} for label in ("web", "api", "blue")
        ],
        "teams": [
            {"team": team, "org": "org", "contact": "us@example.com"}
            for team in ("web-team", "data-team")
        ],
        "platforms": [
            declared("k8s", "blue", "kubernetes", "cpu"),
            declared("k8s", "green", "kubernetes", "max", pool_by="sub_platform"),
            declared("spark", "prod", "pushed", "usage", pool_by="sub_platform"),
            declared("made", "one", "ready_made", "usage", pool_by="sub_platform"),
            declared("shares", "old", "pushed", "fixed", pool_by="sub_platform"),
            declared("features", "api", "pushed", "usage", pool_by="sub_platform"),
        ],
        "platform_resources": [
            {"platform": platform, "sub_platform": sub, "lyft_label": label}
            for platform, sub, label in (
                ("k8s", "blue", "blue"),
                ("k8s", "green", "green"),
                ("spark", "prod", "spark"),
                ("made", "one", "made"),
                ("shares", "old", "fixed"),
                ("shares", "old", "_unused_ri"),
                ("features", "api", "api"),
            )
        ],
        "closed_periods": [],
        "invoice_totals": [],
        "reports": [],
    }


@dataclass
class World:
    """The company, and what was not delivered yet of what became of it.

    Attributes:
        company: Its directories.
        others: Bills of any kind, each of a payer of its own.
        months: What the bill of each month says.
        again: What a second report says of a month, where there is one.
        changed: The months that are to be delivered, and in which report.
    """

    company: Company
    others: Sequence[Bill]
    months: dict[str, Month] = field(default_factory=dict)
    again: dict[str, Month] = field(default_factory=dict)
    seeds: dict[str, list[Row]] = field(default_factory=first_seeds)
    deliveries: int = 0
    changed: set[tuple[str, str]] = field(default_factory=set)
    calendar: Sequence[Period] = MONTHS
    has_clusters: bool = False
    has_platforms: bool = False

    def change(self, period: str, **values: object) -> None:
        """Lets the next delivery of a month say something else."""
        self.months[period] = replace(self.months.get(period, Month()), **values)  # type: ignore[arg-type]
        self.changed.add((period, REPORT))

    def report_again(self, period: str, price: int) -> None:
        """Lets a second report deliver a month, too, at other prices."""
        self.again[period] = replace(self.months[period], price=price, is_gone=False)
        self.changed.add((period, SECOND_REPORT))

    def declare_reports(self) -> None:
        """Of every month the report that is used: the second, where there is one."""
        self.seeds["reports"] = [
            {
                "report": SECOND_REPORT if month.name in self.again else REPORT,
                "payer_account_id": PAYER,
                "valid_from": f"{month.start}",
                "valid_until": f"{month.end}",
            }
            for month in self.calendar
        ]

    def number(self) -> int:
        self.deliveries += 1
        return self.deliveries

    def land(self) -> None:
        """Delivers what changed, lands it and writes the seeds."""
        self.company.declare(**self.seeds)
        self.company.warehouse.parent.mkdir(exist_ok=True)
        if self.changed:
            for period, report in sorted(self.changed):
                self._deliver(period, report)
            # What is closed must stay: nothing is pruned here.
            policy = Policy(keep=50, accept_empty=True)
            for location in self.company.locations:
                aws_cur.load(location, str(self.company.bill), policy=policy)
            self.changed.clear()
        for location in self.company.locations:
            if self.has_clusters:
                kubernetes.load(location, str(self.company.kubernetes))
            if self.has_platforms:
                platforms.load(location, str(self.company.platforms))
        self.has_clusters = self.has_platforms = False

    def _deliver(self, period: str, report: str) -> None:
        month = (self.months if report == REPORT else self.again)[period]
        name = f"execution-{self.number()}"
        if not month.is_gone:
            deliver(
                self.company.bill,
                self.lines(period, month),
                execution=name,
                files=1,
                order=Random(self.deliveries),
                export=report,
                lacks=month.lacks,
            )
            return
        # A first delivery without lines lands nothing; only a month that was there can vanish.
        before = self.company.bill / f"prefix/export/metadata/BILLING_PERIOD={period}"
        if before.exists():
            deliver_nothing(self.company.bill, period, name)

    def lines(self, period: str, month: Month) -> list[Line]:
        """The lines of a month, those of the company first."""
        here = next(one for one in self.calendar if one.name == period)
        lines = [*_usage(here, month), *_reserved(here, month)]
        for number in sorted(month.others):
            lines += [
                one for one in self.others[number].numbered(number + 1) if period_of(one) == period
            ]
        return lines

    def collect(
        self,
        cluster: str,
        turn: int,
        hours: Sequence[int],
        shares: Sequence[int],
        *,
        samples: int = 60,
        app: str = "",
    ) -> None:
        """Usage of a cluster, for hours around the turn to a month.

        Args:
            cluster: The cluster.
            turn: Which month's.
            hours: Hours after the turn; before it where negative.
            shares: What each namespace requested, of anything.
            samples: How many of the 60 samples of an hour there are.
            app: The label `app` of the web's pod, if it has one.
        """
        self.has_clusters = True
        moments = [self.calendar[turn].start + hour * HOUR for hour in sorted(hours)]
        containers, scrapes, nodes, pods, volumes = [], [], [], [], []
        for moment in moments:
            scrapes.append({"usage_hour": moment, "samples": samples, "expected_samples": 60})
            volumes.append(
                {
                    "usage_hour": moment,
                    "volume": "volume-1",
                    "namespace": "api",
                    "claim": "claim",
                    "capacity_gib_hours": shares[1] / 3,
                }
            )
            if app:
                pod = {"namespace": "web", "pod": "web-1", "uid": "web"}
                pods.append(pod | {"usage_hour": moment, "labels": json.dumps({"app": app})})
            nodes.append(
                {
                    "usage_hour": moment,
                    "node": "node-1",
                    "instance_type": "m5.large",
                    "provider_id": "aws:///us-east-1a/i-00000000000000001",
                    "running_hours": 1.0,
                    "cpu_capacity_core_hours": 8.0,
                    "memory_capacity_gib_hours": 32.0,
                    # In one month only, and the days that are compared reach back before it.
                    "gpu_capacity_gpu_hours": 4.0
                    if turn == len(self.calendar) - 1 and moment >= self.calendar[turn].start
                    else 0.0,
                }
            )
            for namespace, share in zip(("web", "api", "kube-system"), shares, strict=True):
                containers.append(
                    POD
                    | {
                        "usage_hour": moment,
                        "namespace": namespace,
                        "pod": f"{namespace}-1",
                        "uid": namespace,
                        "instance_type": "m5.large",
                        "cpu_request_core_hours": share / 10,
                        "memory_request_gib_hours": share / 7,
                    }
                )
        number = self.number()
        collect(
            self.company.kubernetes / str(number),
            cluster=cluster,
            first=f"{moments[0]}",
            end=f"{moments[-1] + HOUR}",
            collected_at=f"{datetime(2026, 6, 1) + number * HOUR:%FT%TZ}",
            rows={
                "container_hours": containers,
                "scrape_hours": scrapes,
                "node_hours": nodes,
                "pods": pods,
                "volume_hours": volumes,
            },
        )

    def publish(
        self, place: tuple[str, str], turn: int, hours: Sequence[int], shares: Sequence[int]
    ) -> None:
        """What an owner says about hours around the turn to a month."""
        self.has_platforms = True
        kind = "proportion" if place[0] == "made" else "usage"
        tenants = ("web", "api" if place[0] != "features" else "feature", "free")
        rows = [f"usage_hour,platform,sub_platform,lyft_label,{kind}"]
        for hour in sorted(hours):
            moment = self.calendar[turn].start + hour * HOUR
            total = sum(shares)
            parts = [f"{share}" for share in shares]
            if kind == "proportion":
                units = [share * 10**10 // total for share in shares[:-1]]
                parts = [text_of(unit) for unit in [*units, 10**10 - sum(units)]]
            rows += [
                f"{moment:%FT%TZ},{','.join(place)},{label},{part}"
                for label, part in zip(tenants, parts, strict=True)
            ]
        folder = self.company.platforms / place[0]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.number():05}.csv").write_text("\n".join(rows) + "\n")


def deliver_nothing(bucket: Path, period: str, execution: str) -> None:
    """A manifest that names no files: the month has vanished."""
    other = bucket / f"prefix/export/metadata/BILLING_PERIOD={period}/export-Manifest.json"
    content = {"executionId": execution, "columns": [], "dataFiles": []}
    other.write_text(json.dumps(content))
    day = int(execution.rpartition("-")[2])
    written = (
        datetime.fromisoformat("2027-02-01T00:00:00+00:00") + timedelta(days=day)
    ).timestamp()
    os.utime(other, (written, written))


def _usage(period: Period, month: Month) -> list[Line]:
    """Hours of the company's services: on the first day, two in the middle, and the last."""
    lines = []
    days = (
        period.start,
        period.start + timedelta(days=14),
        period.start + timedelta(days=15),
        period.end - timedelta(days=1),
    )
    starts = [
        start + hour * HOUR
        for start in days[: month.days]
        for hour in ((0, 1, 2) if start != days[-1] else (21, 22, 23))
    ]
    starts += [period.start - (hour + 1) * HOUR for hour in range(month.late)]
    for number, start in enumerate(starts):
        for label in LABELS[number % 2 :: 2]:
            lines.append(_charge(period, month, start, 1, label, number))
    if month.long:
        start = period.end - min(month.long, 24) * HOUR // 2
        lines += [
            _charge(period, month, start, month.long, label, 7) for label in ("blue", "spark")
        ]
    return lines


def _charge(
    period: Period, month: Month, start: datetime, hours: int, label: str, number: int
) -> Line:
    instance = INSTANCES[number % 2]
    tags = {"user_service": label} if label != "web" else {}
    if month.tag:
        tags[f"user_{month.tag}"] = f"value-{number % 2}"
    values = of_instance(instance) | {
        "resource_tags": json.dumps(tags),
        "line_item_resource_id": "bucket-web" if label == "web" else "i-00000000000000001",
        "pricing_public_on_demand_cost": text_of(month.price * hours),
        "pricing_term": "OnDemand",
    }
    end = start + hours * HOUR
    cost = text_of(month.price * hours + number)
    charge = line(period, "Usage", start, end, PAYER, cost, **values)
    charge["bill_payer_account_id"] = PAYER
    # The report's own interval is an hour, whatever the charge is for.
    first = f"{start:%Y-%m-%dT%H:00:00}Z/{start + HOUR:%Y-%m-%dT%H:%M:%S}Z"
    charge["identity_time_interval"] = first
    return charge


def _reserved(period: Period, month: Month) -> list[Line]:
    """A reservation, bought in the first month: what it covers, its fees, discounts as lines."""
    instance = INSTANCES[0]
    upfront, recurring = 5_000_000_007, 1_000_000_003
    common = of_instance(instance) | {"reservation_reservation_a_r_n": ARN}
    lines = []
    for slot in range(month.days):
        start = period.start + slot * HOUR
        lines.append(
            line(
                period,
                "DiscountedUsage",
                start,
                start + HOUR,
                PAYER,
                "0",
                **common,
                resource_tags=json.dumps({"user_service": "blue"}),
                line_item_normalized_usage_amount="4",
                pricing_public_on_demand_cost=text_of(month.price),
                pricing_term="Reserved",
                reservation_amortized_upfront_cost_for_usage=text_of(upfront),
                reservation_effective_cost=text_of(upfront + recurring),
            )
        )
    hours = int((period.end - period.start) / HOUR)
    fee = common | {
        "line_item_usage_type": f"HeavyUsage:{instance.type}",
        "reservation_number_of_reservations": "1",
        "reservation_normalized_units_per_reservation": "4",
    }
    fees = [(period.start, hours, hours - month.days)]
    if month.corrects:
        fees.append((MONTHS[0].start + timedelta(days=9), 24, 24))
    for start, paid, unused in fees:
        lines.append(
            line(
                period,
                "RIFee",
                start,
                start + paid * HOUR,
                PAYER,
                text_of(recurring * paid),
                **fee,
                line_item_usage_amount=str(paid),
                reservation_unused_quantity=str(unused),
                reservation_amortized_upfront_fee_for_billing_period=text_of(upfront * paid),
                reservation_unused_amortized_upfront_fee_for_billing_period=text_of(
                    upfront * unused
                ),
                reservation_unused_recurring_fee=text_of(recurring * unused),
            )
        )
    if period.name == MONTHS[0].name:
        cost = text_of(upfront * 8760)
        start = period.start
        lines.append(line(period, "Fee", start, start + HOUR, PAYER, cost, **fee))
    for off, usage_type in ((month.discount, fee["line_item_usage_type"]), (1_001, "")):
        if off:
            values = {"line_item_product_code": "AmazonEC2", "line_item_usage_type": usage_type}
            if not usage_type:
                values["line_item_product_code"] = ""
            cost = text_of(-off)
            lines.append(
                line(period, "EdpDiscount", period.start, period.end, PAYER, cost, **values)
            )
    return [one | {"bill_payer_account_id": PAYER} for one in lines]


def months_until(last: Period, count: int) -> tuple[Period, ...]:
    """So many months, the last of them this one."""
    months = [last]
    while len(months) < count:
        before = (months[0].start - timedelta(days=1)).replace(day=1)
        months.insert(0, Period(before, 1))
    return tuple(months)


def begin_with(root: Path, count: int) -> World:
    """The company with so many months, all alike, and usage on the first fifteen days of each."""
    world = World(Company(root, ROOT), (), calendar=months_until(MONTHS[-1], count))
    for turn, month in enumerate(world.calendar):
        world.change(month.name)
        for cluster in ("blue", "green"):
            world.collect(cluster, turn, range(15 * 24), (1, 2, 3))
        for place in (("spark", "prod"), ("made", "one"), ("features", "api")):
            world.publish(place, turn, range(15 * 24), (1, 2, 4))
    world.publish(("shares", "old"), 0, (0, 5), (1, 1, 1))
    return world


def begin(company: Company, others: Sequence[Bill]) -> World:
    """The company with two months, and usage around the turn between them."""
    world = World(company, others)
    world.change("2026-03", discount=10**9, others=frozenset(range(len(others) // 2)))
    world.change("2026-04", others=frozenset(range(len(others) // 2)))
    # The bill has no charges for the month between.
    world.change("2026-05", days=1, corrects=True)
    for turn in (1, 2):
        hours = (-3, -2, -1, 0, 1)
        world.collect("blue", turn, hours, (1, 2, 3))
        world.collect("green", turn, hours[:2], (3, 1, 1))
        for place in (("spark", "prod"), ("made", "one"), ("features", "api")):
            world.publish(place, turn, hours, (1, 2, 4))
    world.publish(("shares", "old"), 0, (0, 5), (1, 1, 1))
    return world
