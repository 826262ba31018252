"""What a look at the source of usage finds, for `infraspend doctor` to say."""

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """What a finding means."""

    GOOD = "good"
    """It is as it should be."""

    NOTE = "note"
    """It works, and something will not be known."""

    LACK = "lack"
    """It does not work, or not well enough, before something is changed."""


@dataclass(frozen=True)
class Finding:
    """Something that is so where usage comes from.

    Attributes:
        subject: What it is about: a cluster, a file, a sub-platform; the server itself if empty.
        text: What is so, and what to change where it should be otherwise.
        level: What it means.
    """

    subject: str
    text: str
    level: Level = Level.GOOD

    def __str__(self) -> str:
        return f"{self.level.value}  {self.subject or 'server'}: {self.text}"
