"""Shares worked out with fractions, apart from the models: nothing here is theirs."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

_TEN_DIGITS = 10**10


def ten_digits(text: str) -> Fraction:
    """A measured amount as the warehouse keeps it."""
    return Fraction(Decimal(text).quantize(Decimal("1e-10")))


def shares(held: Mapping[str, Fraction], capacity: Fraction = Fraction(0)) -> dict[str, Decimal]:
    """Label -> its share, ten digits, adding up to exactly 1.

    Args:
        held: Label -> what it held.
        capacity: What there was to hold; what is left of it is `free`.
    """
    idle = max(capacity - sum(held.values()), Fraction(0))
    parts = {label: amount for label, amount in held.items() if amount}
    if idle:
        parts["free"] = parts.get("free", Fraction(0)) + idle
    total = sum(parts.values())
    exact = {label: amount / total * _TEN_DIGITS for label, amount in parts.items()}
    units = {label: int(share) for label, share in exact.items()}
    by_remainder = sorted(exact, key=lambda label: (units[label] - exact[label], label))
    for label in by_remainder[: _TEN_DIGITS - sum(units.values())]:
        units[label] += 1
    return {label: Decimal(count).scaleb(-10) for label, count in units.items()}
