"""Chance that can be repeated: a draw depends on the seed and on what it is drawn for.

Nothing is drawn from a running sequence, so the simulation of a day does not depend on the days
before it, nor on the order in which a run asks for things.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Chance:
    """Draws that are the same for the same seed and the same key, on every machine."""

    seed: int

    def draw(self, *key: object) -> int:
        """A number between 0 and 2**64 - 1."""
        text = "/".join(map(str, (self.seed, *key)))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")

    def between(self, low: int, high: int, *key: object) -> int:
        """A number from `low` to `high`, both included."""
        return low + self.draw(*key) % (high - low + 1)

    def hexadecimal(self, digits: int, *key: object) -> str:
        """Hexadecimal digits, as AWS and Kubernetes make their ids of (at most 32)."""
        high = f"{self.draw(*key, 'high'):016x}"
        low = f"{self.draw(*key, 'low'):016x}" if digits > len(high) else ""
        return f"{high}{low}"[:digits]

    def uuid(self, *key: object) -> str:
        """A text in the form of a UUID."""
        digits = self.hexadecimal(32, *key)
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
