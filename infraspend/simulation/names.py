"""What a subsidiary calls what is its own: the company's names, with the subsidiary's code in them.

A subsidiary is the company once more under other names, so that everything about it is known from
the company. The first one keeps the company's names. A name is changed where people would change
it: `pricing` becomes `pricing-ab`, `rider-web-canary` becomes `rider-web-ab-canary`, the label
rules find the one as they find the other, and names sort as they sorted before.

What all of them have in common keeps its name: what the rules name outright (such as `ci`, which
builds for everyone), teams, regions and products.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Set
from dataclasses import dataclass

from infraspend.simulation.plan.company import ACCOUNT_NAMES

#: As many codes of two letters as there are, and the company itself.
MOST_SUBSIDIARIES = 26 * 26

_CANARY = "-canary"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
#: Where a name that other names are in ends: what comes after it is not the service's.
_NAMED_BY_A_SERVICE = re.compile(
    r"(?P<before>demo-|legacy-)(?P<service>[a-z-]+)(?P<after>-[a-z0-9]+)"
)
_TABLE = re.compile(r"(?P<before>.*:table/)(?P<service>[a-z-]+)(?P<after>\..*)")
_ID = re.compile(r"(?P<before>(?:.*/)?(?:i|vol)-)(?P<digits>[0-9a-f]{17})")
_ACCOUNT = re.compile(rf"\b({'|'.join(account[:8] for account in ACCOUNT_NAMES)})\d{{4}}\b")
_STEP = re.compile(r"(?<=: )[^ ]+(?= \()")


@dataclass(frozen=True)
class Names:
    """The names of one subsidiary.

    Attributes:
        number: Which one it is; 0 is the company itself, under its own names.
        shared: The labels and namespaces that all of them have in common.
    """

    number: int
    shared: Set[str]

    @property
    def suffix(self) -> str:
        """What stands behind a name of the company's: `-ab`."""
        first, second = divmod(self.number, len(_LETTERS))
        return f"-{_LETTERS[first]}{_LETTERS[second]}" if self.number else ""

    def plain(self, name: str) -> str:
        """A name that nobody reads anything in."""
        return f"{name}{self.suffix}"

    def label(self, spelling: str) -> str:
        """A label, cluster or part of a platform, with the white space and the case it has."""
        name = spelling.rstrip()
        if name.strip().lower() in self.shared:
            return spelling
        return f"{name}{self.suffix}{spelling[len(name) :]}"

    def namespace(self, namespace: str) -> str:
        """A namespace: that of a service, or of its canary."""
        service = namespace.removesuffix(_CANARY)
        return f"{self.label(service)}{namespace[len(service) :]}"

    def account(self, account: str) -> str:
        """An account, wherever in a text it stands: its first eight digits say what it is for."""
        return _ACCOUNT.sub(rf"\g<1>{self.number:04d}", account) if self.number else account

    def resource(self, resource: str) -> str:
        """A resource by what AWS calls it: an id, an ARN, or a name that its owner chose."""
        if not resource:
            return resource
        if found := _ID.fullmatch(resource):
            return f"{found['before']}{self.digits(found['digits'])}"
        if found := _TABLE.fullmatch(resource) or _NAMED_BY_A_SERVICE.fullmatch(resource):
            before = self.account(found["before"])
            return f"{before}{self.label(found['service'])}{found['after']}"
        return self.account(resource) if resource.startswith("arn:") else self.plain(resource)

    def digits(self, digits: str) -> str:
        """Hexadecimal digits of an id, others and as many; at most 64."""
        if not self.number:
            return digits
        return hashlib.blake2b(f"{digits}{self.suffix}".encode()).hexdigest()[: len(digits)]

    def uid(self, uid: str) -> str:
        """The uid of a pod, in the form of a UUID."""
        digits = self.digits(uid.replace("-", ""))
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def subscription(self, subscription: str) -> str:
        """The number of a purchase of reservations."""
        return str(int(subscription) + 1000 * self.number)

    def tag(self, key: str, value: str) -> str:
        """The value of a tag; teams work for all subsidiaries."""
        match key:
            case "user_team":
                return value
            case "user_name":
                return self.resource(value)
            case _:
                return self.label(value)

    def path(self, via: str) -> str:
        """A path through platforms, such as `k8s: core-0 (all, cpu) > lyftlearn: ...`."""
        return _STEP.sub(lambda step: self.label(step.group()), via)
