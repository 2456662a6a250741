"""A batch of claims on its way through one process, and how large it may be."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from queues.claims import Claim
from queues.outcomes import Outcome

TARGET = 0.05
"""Seconds of work in a batch: long enough to share a commit, short enough to wait."""
LARGEST = 256
PATIENCE = 0.25
"""Seconds after which the rest of a batch stops waiting for a slow job."""


@dataclass(slots=True)
class Pace:
    """How many jobs to claim at once, learned from how long the last ones took."""

    size: int = 1

    def learn(self, elapsed: float, *, taken: int) -> None:
        """Double after a quick full batch, halve after a slow one."""
        if elapsed > TARGET:
            self.size = max(1, self.size // 2)
        elif taken == self.size:
            self.size = min(LARGEST, self.size * 2)


class Batch:
    """Claims not yet started and verdicts not yet written, shared with a watcher."""

    def __init__(self, claims: Sequence[Claim]) -> None:
        self._waiting = deque(claims)
        self._verdicts: list[tuple[Claim, Outcome]] = []
        self._lock = threading.Lock()
        self.current: Claim | None = None

    def next(self) -> Claim | None:
        """Take the next claim to run, or None."""
        with self._lock:
            self.current = self._waiting.popleft() if self._waiting else None
            return self.current

    def end(self, claim: Claim, outcome: Outcome) -> None:
        """Note how the current claim ended."""
        with self._lock:
            self.current = None
            self._verdicts.append((claim, outcome))

    def verdicts(self) -> list[tuple[Claim, Outcome]]:
        """Take the verdicts that are not yet written."""
        with self._lock:
            taken, self._verdicts = self._verdicts, []
            return taken

    def put_back(self, verdicts: Sequence[tuple[Claim, Outcome]]) -> None:
        """Note again what was taken and could not be written."""
        with self._lock:
            self._verdicts.extend(verdicts)

    def rest(self) -> list[Claim]:
        """Take the claims that have not been started."""
        with self._lock:
            rest = list(self._waiting)
            self._waiting.clear()
            return rest
