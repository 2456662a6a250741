"""What was done to the system, and when: the only excuses that are accepted."""

from dataclasses import dataclass
from enum import StrEnum


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
