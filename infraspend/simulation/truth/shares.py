"""Shares that add up to exactly 1: how the true schedules are rounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from infraspend.simulation.truth.weights import FREE, Weights
from infraspend.simulation.units import ONE

#: Proportions by label, in ten-billionths.
Shares = Mapping[str, int]


def allocate(total: int, weights: Sequence[Fraction | int]) -> list[int]:
    """Allocates whole units by weight, so that they add up to the total.

    Everyone gets the share rounded down; what is left over goes one unit each to the largest
    remainders, of equal ones to the first.
    """
    whole = sum(weights)
    allocated = [int(total * weight // whole) for weight in weights]
    by_remainder = sorted(
        range(len(weights)), key=lambda index: (-(total * weights[index] % whole), index)
    )
    for index in by_remainder[: total - sum(allocated)]:
        allocated[index] += 1
    return allocated


def allocate_by_label(total: int, weights: Weights) -> Shares:
    """Allocates whole units by label, ties in the order of the labels."""
    labels = sorted(weights)
    return dict(zip(labels, allocate(total, [weights[label] for label in labels]), strict=True))


def shares_of(weights: Weights) -> Shares:
    """Proportions that add up to exactly 1; nothing at all is free."""
    held = {label: weight for label, weight in weights.items() if weight}
    return allocate_by_label(ONE, held or {FREE: 1})
