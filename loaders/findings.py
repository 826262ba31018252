"""What `infraspend doctor` finds in a source of usage or a warehouse."""

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """What a finding means."""

    GOOD = "good"
    """In order."""

    NOTE = "note"
    """Works, but something will not be known."""

    ERROR = "error"
    """Does not work, or not well enough, until something is changed."""


@dataclass(frozen=True)
class Finding:
    """One finding about a source of usage or a warehouse.

    Attributes:
        subject: What it is about: a cluster, a file, a sub-platform; the server itself if empty.
        text: The finding, and what to change if it is a problem.
        level: What it means.
        command: The command that fixes it; empty if no single command does.
    """

    subject: str
    text: str
    level: Level = Level.GOOD
    command: str = ""

    def __str__(self) -> str:
        line = f"{self.level.value}  {self.subject or 'server'}: {self.text}"
        return f"{line}; fix it with: {self.command}" if self.command else line
