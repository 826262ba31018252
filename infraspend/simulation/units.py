"""Exact numbers: integers that count ten-billionths.

Everything the simulation measures or charges is a whole number of units of 0.0000000001, the
finest step that AWS bills and that the warehouse keeps. Nothing is rounded on the way: where a
division leaves a remainder, the company's price list is wrong, and that is an error.
"""

from __future__ import annotations

from decimal import Decimal

#: Units in 1: in a dollar, an hour, a core-hour.
ONE = 10**10
#: Machines start and stop on this grid of an hour: 3 minutes.
TWENTIETHS = 20


def units(text: str) -> int:
    """The units in a decimal number, such as a price in dollars."""
    exact = Decimal(text) * ONE
    if exact != exact.to_integral_value():
        raise ValueError(f"{text} has more than ten decimals")
    return int(exact)


def as_text(amount: int) -> str:
    """An amount with its ten decimals, as a report in CSV carries it."""
    sign = "-" if amount < 0 else ""
    whole, fraction = divmod(abs(amount), ONE)
    return f"{sign}{whole}.{fraction:010d}"


def as_short_text(amount: int) -> str:
    """An amount without the zeros at its end, as a report carries rates."""
    return as_text(amount).rstrip("0").rstrip(".")


def as_float(amount: int) -> float:
    """The double nearest to an amount; below 100,000 its shortest text is the amount."""
    return amount / ONE


def share(amount: int, parts: int, of: int) -> int:
    """`parts` of an amount cut into `of` equal parts, exactly."""
    quotient, remainder = divmod(amount * parts, of)
    if remainder:
        raise ValueError(f"{parts}/{of} of {as_text(amount)} has more than ten decimals")
    return quotient
