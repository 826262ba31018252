"""Which machine a node's name stood for, slot by slot: a name may pass to another machine.

A node is its name and the cloud's id of it (`provider_id`). Where a name stood for several machines
within an hour, each of them is called by the name and its provider id, so that none is taken for
another; every other node is called by its name alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from infraspend.loaders.kubernetes.promql import Window

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
