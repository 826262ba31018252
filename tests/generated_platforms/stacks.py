"""Platforms on platforms, at random: what was declared, seen and charged of each.

A stack is one to four sub-platforms, each with the label that the one above it belongs to among its
users. The lowest has charges on the bill.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import strategies as st

HOURS = 8
"""How many hours the bill has; everything is counted from the first."""

LABELS = ("api", "café", "eta", "web")
TYPES = ("m5.xlarge", "p3.2xlarge")
SINGLED_OUT = "AmazonEFS"
"""The product that a row of its own may give another cost model."""

COST_MODELS = {
    "kubernetes": (
        *("cpu", "memory", "gpu", "max", "weighted", "storage", "network", "disk_io", "even"),
    ),
    "pushed": ("usage", "even", "fixed"),
    "ready_made": ("usage", "even", "fixed"),
}
PLATFORMS = {"kubernetes": "k8s", "pushed": "spark", "ready_made": "made"}
RESOURCES = ("cpu", "memory", "gpu")


@dataclass(frozen=True)
class Pod:
    """What a pod asked for and took, by resource, and what it moved over the network and
    from and to disks."""

    namespace: str
    instance_type: str
    requested: dict[str, Decimal]
    used: dict[str, Decimal]
    network: Decimal
    disk_io: Decimal


@dataclass(frozen=True)
class Seen:
    """What was seen of a sub-platform in an hour.

    Attributes:
        is_good: The hour was scraped well enough; always so for what owners publish.
        published: (Pool or none, label, usage or proportion).
        pods: What ran in the cluster.
        nodes: (Instance type, what it offered by resource).
        volumes: (Namespace that claims it or none, GiB).
    """

    is_good: bool = True
    published: Sequence[tuple[str, str, Decimal]] = ()
    pods: Sequence[Pod] = ()
    nodes: Sequence[tuple[str, dict[str, Decimal]]] = ()
    volumes: Sequence[tuple[str | None, Decimal]] = ()


@dataclass(frozen=True)
class Era:
    """How a sub-platform is split from an hour on."""

    since: int
    cost_model: str
    free_policy: str


@dataclass(frozen=True)
class Layer:
    """A sub-platform; `number` is its own."""

    number: str
    source: str
    eras: Sequence[Era]
    allocation_base: str
    pool_by: str
    interpolate_hours: int
    carry_hours: int
    expected_from: int
    seen: dict[int, Seen]
    singled_out: str | None

    @property
    def place(self) -> tuple[str, str]:
        return PLATFORMS[self.source], self.number

    @property
    def label(self) -> str:
        """The label that belongs to it, whole."""
        return f"of-{self.number}"

    def era(self, hour: int) -> Era:
        """The row of `platforms` that is in force."""
        return max((era for era in self.eras if era.since <= hour), key=lambda era: era.since)


@dataclass(frozen=True)
class Charge:
    """A line of the bill, of so many hours."""

    hour: int
    hours: int
    product: str
    instance_type: str
    cost: Decimal


@dataclass(frozen=True)
class Stack:
    """Sub-platforms from the lowest up, and the charges of the lowest."""

    layers: Sequence[Layer]
    charges: Sequence[Charge] = field(default_factory=list)


@st.composite
def stacks(draw: Any, number: int) -> Stack:
    """A stack whose sub-platforms bear the number; the shape is drawn, the amounts are random."""
    # Hypothesis likes to draw the same number again; stacks should differ all the same.
    random = Random(f"{draw(st.integers(0, 2**32))} of {number}")
    height = draw(st.sampled_from((1, 2, 2, 3, 3, 4)))
    layers = []
    for layer in range(height):
        above = f"of-{number}-{layer + 1}" if layer + 1 < height else None
        layers.append(_floor(draw, random, f"{number}-{layer}", above))
    charges = [_charge(random) for _ in range(draw(st.integers(2, 6)))]
    return Stack(layers, charges)


def _floor(draw: Any, random: Random, number: str, above: str | None) -> Layer:
    # Clusters take longest to land.
    source = random.choice(("kubernetes", *["pushed"] * 3, *["ready_made"] * 2))
    models = COST_MODELS[source]
    policies = ("label", "spread", "owner")
    eras = [Era(0, random.choice(models), random.choice(policies))]
    if draw(st.integers(0, 3)) == 0:
        since = draw(st.integers(1, HOURS - 1))
        eras.append(Era(since, random.choice(models), random.choice(policies)))
    # A row of its own may give every cost model but fixed shares.
    others = [model for model in models if model != "fixed"]
    most_gaps = draw(st.sampled_from((0, 2, 5, HOURS)))
    gaps = draw(st.sets(st.integers(0, HOURS - 1), max_size=most_gaps))
    labels = [*LABELS, *([above] * 3 if above else ())]
    see = _cluster if source == "kubernetes" else _pushed if source == "pushed" else _made
    seen = {hour: see(random, labels) for hour in range(HOURS) if hour not in gaps}
    return Layer(
        number=number,
        source=source,
        eras=eras,
        allocation_base=draw(st.sampled_from(("request", "usage", "max"))),
        pool_by=draw(st.sampled_from(("instance_type", "sub_platform"))),
        interpolate_hours=draw(st.integers(0, 4)),
        carry_hours=draw(st.integers(0, 3)),
        expected_from=draw(st.sampled_from((0, 0, 0, 2))),
        seen=seen,
        singled_out=random.choice((None, *others)),
    )


def _charge(random: Random) -> Charge:
    hour = random.randrange(HOURS)
    return Charge(
        hour=hour,
        hours=random.choice((1, 1, random.randint(1, HOURS - hour))),
        product=random.choice(("AmazonEC2", "AmazonEC2", SINGLED_OUT)),
        instance_type=random.choice(("", *TYPES)),
        cost=random.choice((1, 10**10, -(10**9), random.randrange(10**15))) * Decimal("1e-10"),
    )


def _amount(random: Random) -> Decimal:
    """Nothing, small whole numbers (so that there are ties), and numbers of every size."""
    kind = random.randrange(6)
    if kind == 0:
        return Decimal(0)
    if kind <= 3:
        return Decimal(random.randint(1, 4))
    return random.randrange(1, 10 ** random.randint(1, 15)) * Decimal("1e-10")


def _some(random: Random, labels: Sequence[str], most: int = 4) -> list[str]:
    return sorted({random.choice(labels) for _ in range(random.randint(1, most))})


def _pushed(random: Random, labels: Sequence[str]) -> Seen:
    pools = random.choice((("",), ("",), TYPES, ("", *TYPES)))
    return Seen(
        published=[
            (pool, label, _amount(random))
            for pool in pools
            for label in _some(random, [*labels, "free"])
        ]
    )


def _made(random: Random, labels: Sequence[str]) -> Seen:
    published = []
    for pool in random.choice((("",), ("",), TYPES)):
        sharers = _some(random, [*labels, "free"])
        cuts = sorted(random.randrange(10**10 + 1) for _ in sharers[1:])
        for label, start, end in zip(sharers, [0, *cuts], [*cuts, 10**10], strict=True):
            published.append((pool, label, (end - start) * Decimal("1e-10")))
    return Seen(published=published)


def _cluster(random: Random, labels: Sequence[str]) -> Seen:
    def metered() -> Decimal:
        # What comes from Prometheus is a double.
        return random.choice((0, 1, 2, random.randrange(100_000) * Decimal("0.001"))) * Decimal(1)

    def of_resources() -> dict[str, Decimal]:
        return {resource: metered() for resource in RESOURCES}

    return Seen(
        is_good=random.random() < 0.85,
        pods=[
            Pod(
                random.choice(labels),
                random.choice(TYPES),
                of_resources(),
                of_resources(),
                metered(),
                metered(),
            )
            for _ in range(random.randrange(5))
        ],
        nodes=[(random.choice(TYPES), of_resources()) for _ in range(random.randrange(3))],
        volumes=[(random.choice((None, *labels)), metered()) for _ in range(random.randrange(3))],
    )
