"""Which machine a node's name stood for, slot by slot: a name may pass to another machine.

A node is its name and the cloud's id of it (`provider_id`). Where a name stood for several machines
within an hour, each of them is called by the name and its provider id, so that none is taken for
another; every other node is called by its name alone.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from infraspend.loaders.kubernetes.promql import Window, exactly, in_slot
from infraspend.loaders.kubernetes.vocabulary import Vocabulary

if TYPE_CHECKING:
    from infraspend.loaders.kubernetes.readings import Readings

NODE_INFO: Final = "kube_node_info"
_PROVIDER_ID: Final = "provider_id"
_SEPARATOR: Final = "\0"


def name_of(node: str) -> str:
    """The name of a node, without its machine."""
    return node.partition(_SEPARATOR)[0]


@dataclass(frozen=True)
class Identities:
    """The machines of an hour's names that stood for several.

    Attributes:
        machines: Name -> when it began to stand for a machine, in seconds since 1970, and which.
    """

    machines: Mapping[str, Mapping[int, str]] = field(default_factory=dict)

    def node(self, name: str, start: int) -> str:
        """The name of a node in the window that starts at a moment."""
        if name not in self.machines:
            return name
        begun = self.machines[name]
        first = min(begun)
        return name + _SEPARATOR + begun[max((at for at in begun if at <= start), default=first)]

    def pieces(self, window: Window) -> list[Window]:
        """The window, cut where a name passed to another machine."""
        begun = {at // window.slot * window.slot for one in self.machines.values() for at in one}
        cuts = sorted(at for at in begun if window.start < at < window.end)
        return [
            window.between(start, end) for start, end in pairwise([window.start, *cuts, window.end])
        ]


def identities(readings: "Readings", vocabulary: Vocabulary) -> Identities:
    """Looks for names that stood for several machines within an hour."""
    metric = vocabulary.get(NODE_INFO)
    if metric is None or _PROVIDER_ID not in metric.labels:
        return Identities()
    node = metric.label("node")
    series = metric.series(f'{_PROVIDER_ID}!=""')
    found: dict[str, set[str]] = defaultdict(set)
    for labels, _ in readings.each(
        lambda window: f"group by ({node}, {_PROVIDER_ID}) ({in_slot(series, window.whole())})"
    ):
        found[labels.get(node, "")].add(labels[_PROVIDER_ID])
    machines: dict[str, dict[int, str]] = {}
    for name, ids in found.items():
        if len(ids) < 2:
            continue
        first_seen = {}
        for provider_id in ids:
            one = metric.series(*exactly({node: name, _PROVIDER_ID: provider_id}))
            if slots := readings.slots_where(partial(_seen, one)):
                first_seen[min(slots)] = provider_id
        if len(first_seen) > 1:
            machines[name] = first_seen
    return Identities(machines)


def _seen(series: str, window: Window) -> str:
    return f"group({in_slot(series, window)})"
