"""Whose turn it is: jobs under a limit or those without, the most urgent first."""

import time
from collections.abc import Iterable, Sequence
from itertools import takewhile

from queues.admit import admit
from queues.allowance import heads
from queues.batch import Pace
from queues.bind import bind
from queues.claim import LimitsWait, claim
from queues.claims import Claim
from queues.handlers import registry

GLANCE = 0.2
"""Seconds between two looks for limits while none has a job, or at one that is full."""

REST = 0.18
"""Seconds before the next glance while jobs of a single limit are all there is."""


class Turns:
    """Claims of some queues in their order; jobs without a limit pay for a glance.

    After each `take`, `pace` is the one that the batch should teach, `has_more` tells
    whether another process would find work, and `leaves_limits` whether jobs of a
    limit were left for jobs without one.
    """

    def __init__(
        self, queues: Sequence[str], *, worker: int, pace: Pace, limited: Pace
    ) -> None:
        self._queues, self.worker = queues, worker
        self._free, self._limited = pace, limited
        self._lines: list[str | None] = []
        self._look_at = 0.0
        self._full_until: dict[str, float] = {}
        self.pace = pace
        self.has_more = self.leaves_limits = False

    @property
    def is_through(self) -> bool:
        """Tell whether the last batch was all that was due: what came since rang."""
        return self.pace is self._free and not self.has_more and not any(self._lines)

    def take(self) -> list[Claim]:
        """Claim the next batch; empty if nothing due may start now."""
        lines = self._glance()
        while True:
            if claims := self._admit(takewhile(_is_limit, lines)):
                return claims
            try:
                claims = self._claim()
            except LimitsWait:
                lines = self._look()
                continue
            if not claims:
                self._full_until.clear()
                return self._admit(self._look())
            if rest := bind(claims):
                return rest
            lines = self._glance()

    def _glance(self) -> list[str | None]:
        """Look at every turn while jobs under a limit wait; `_claim` sees the first."""
        if not any(self._lines):
            return []
        if len(self._lines) == 1 and time.monotonic() < self._look_at - REST:
            return self._lines  # one limit and nothing else, a moment ago
        return self._look()

    def _look(self) -> list[str | None]:
        self._look_at = time.monotonic() + GLANCE
        self._lines = heads(self._queues)
        return self._lines

    def _claim(self) -> list[Claim]:
        """Claim jobs without a limit; raise LimitsWait now and then if others wait."""
        heed = bool(registry.limits) and not any(self._lines)
        heed = heed and (now := time.monotonic()) >= self._look_at
        if heed:
            self._look_at = now + GLANCE
        self.leaves_limits = self.pace is self._limited and any(self._lines)
        size = self._free.size
        claims = claim(self._queues, worker=self.worker, limit=size, heed_limits=heed)
        self.pace = self._free
        self.has_more = bool(claims) and claims[0].has_more
        return claims

    def _admit(self, names: Iterable[str | None]) -> list[Claim]:
        for name in filter(None, names):
            if time.monotonic() < self._full_until.get(name, 0.0):
                continue
            size = self._limited.size
            admitted = admit(name, self._queues, worker=self.worker, limit=size)
            if claims := bind(admitted.claims):
                self.pace, self.leaves_limits = self._limited, False
                self.has_more = admitted.has_more
                return claims
            self._full_until[name] = time.monotonic() + GLANCE
        return []


def _is_limit(name: str | None) -> bool:
    return name is not None
