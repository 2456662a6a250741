"""Deliver claimed runs by several hands at once: a provider makes us wait, not work."""

import threading
import time
from collections import deque
from uuid import UUID

from django.conf import settings
from django.db import connection

from cadences.claim import hand_back
from cadences.deliver import deliver
from cadences.journal import Line, line

HANDS = 8
"""Threads of one process, each with a connection of its own for as long as it works."""
FEW = 2
"""In the web, whose connections are for those who look at pages."""

Pair = tuple[UUID, UUID]


def deliver_all(pairs: list[Pair], *, until: float) -> list[Line]:
    """Deliver claimed runs; hand back what there is no time for.

    What is on the wire when something ends us is waited for: it is written down.
    """
    work = _Work(pairs, until)
    count = min(_hands(), len(pairs))
    try:
        if count < 2 or connection.in_atomic_block:  # noqa: PLR2004 - one hand
            work.drain()
        else:
            work.share(count)
    finally:
        # A claim that was used up is another's by now, or nobody's: no harm done.
        if rest := [token for _, token in work.left]:
            hand_back(rest)
    return work.lines


def _hands() -> int:
    return FEW if settings.PROCESS == "web" else HANDS


class _Work:
    """Runs to deliver, and what became of those that were."""

    def __init__(self, pairs: list[Pair], until: float) -> None:
        self.left = deque(pairs)
        self.until = until
        self.lines: list[Line] = []
        self.trouble: BaseException | None = None

    def drain(self) -> None:
        """Deliver one after another until nothing is left, or no time."""
        while self.left and self.trouble is None and time.monotonic() < self.until:
            try:
                pair = self.left.popleft()
            except IndexError:
                return  # another hand was faster
            try:
                self.lines.append(line(deliver(*pair)))
            except BaseException:
                self.left.append(pair)
                raise

    def share(self, count: int) -> None:
        """Let so many threads drain; raise what stopped one of them, once all rest."""
        threads = [threading.Thread(target=self._hand) for _ in range(count)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException as error:  # the time of the job is over
            self.trouble = error
            for thread in threads:
                thread.join()
            raise
        if self.trouble is not None:
            raise self.trouble

    def _hand(self) -> None:
        try:
            self.drain()
        except BaseException as error:  # noqa: BLE001 - it is raised by `share`
            self.trouble = error
        finally:
            connection.close()
