"""What a look at a source of usage or a warehouse finds, for `infraspend doctor` to say."""

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
        command: What mends it; empty if that is no single command.
    """

    subject: str
    text: str
    level: Level = Level.GOOD
    command: str = ""

    def __str__(self) -> str:
        line = f"{self.level.value}  {self.subject or 'server'}: {self.text}"
        return f"{line}; mend it with: {self.command}" if self.command else line
