"""What was done to the system, and when: the only excuses that are accepted."""

from dataclasses import dataclass
from enum import StrEnum

LAST_WORDS = 2.0
"""Seconds in which the database may still run what a dead process had sent it."""


class Harm(StrEnum):
    """What a fault can excuse."""

    KILL = "process killed"
    STOP = "process stopped"
    DATABASE = "database away"
    BACKEND = "connection ended"
    NONE = "nothing"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fault, in seconds of the epoch; `pids` are the processes it hit."""

    scenario: str
    harm: Harm
    began: float
    ended: float
    pids: frozenset[int] = frozenset()

    def hit(self, pid: int, at: float) -> bool:
        """Tell whether it hit this process, which noted something at that moment."""
        slack = LAST_WORDS if self.harm is Harm.KILL else 0.0
        return pid in self.pids and at <= self.ended + slack
