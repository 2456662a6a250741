"""What an error of a handler means: try again, come back later, or give up."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from queues.backoff import Backoff, exponential
from queues.outcomes import Bury, Retry, Snooze

Answer = Literal["retry", "bury", "snooze"] | Snooze | Backoff
"""What to do about a class of errors; a backoff is a retry with waits of its own."""
WORDS = ("retry", "bury", "snooze")
SNOOZE = 60.0
"""Seconds of a snooze when neither the policy nor the error says how long."""
SHORTEST_SNOOZE = 1.0
"""Seconds; a snooze counts nothing, so an eager one would go round for ever."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The waits after a failure, and what else an error of some class means.

    `on` answers for a class and those derived from it, the nearest one first. A
    wait that the error itself asks for goes before every other.
    """

    backoff: Backoff = field(default_factory=exponential)
    on: Mapping[type[Exception], Answer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse now what would spoil a verdict later."""
        for each in (self.backoff, *self.on.values()):
            if isinstance(each, str):
                if each not in WORDS:
                    raise ValueError(f"Policy: {each!r} is none of {', '.join(WORDS)}")
            elif not isinstance(each, Snooze) and not 0 <= each(1) < math.inf:
                raise ValueError("Policy: a backoff returns seconds")

    def outcome(
        self, error: Exception, *, failures: int, wait: float | None, line: str
    ) -> Retry | Bury | Snooze:
        """Return what this error means as the failure of that number.

        `wait` is what the error asks for, `line` how it is told.
        """
        match self._answer(error):
            case "bury":
                return Bury(line)
            case "snooze":
                return Snooze(max(SNOOZE if wait is None else wait, SHORTEST_SNOOZE))
            case Snooze() as said:
                return said if wait is None else Snooze(max(wait, SHORTEST_SNOOZE))
            case "retry":
                return Retry(wait, line)
            case backoff:
                return Retry(backoff(failures) if wait is None else wait, line)

    def _answer(self, error: Exception) -> Answer:
        near = (each for each in type(error).__mro__ if each in self.on)
        found = next(near, None)
        return "retry" if found is None else self.on[found]


DEFAULT = Policy()
