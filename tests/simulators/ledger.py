"""Every call that reached a simulated provider, with its time and its price."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One call, by the provider's clock."""

    at: float
    account: str
    endpoint: str
    status: int
    cost: float = 0.0
    detail: str = ""
    throttled: bool = False


class Ledger:
    """What a test asks afterwards: who called, how often, and whether too often."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._lock = threading.Lock()

    def write(self, entry: Entry) -> None:
        """Keep an entry."""
        with self._lock:
            self.entries.append(entry)

    def of(self, endpoint: str, account: str | None = None) -> list[Entry]:
        """Return the calls of an endpoint, in the order they arrived."""
        with self._lock:
            return [
                each
                for each in self.entries
                if each.endpoint == endpoint and account in (None, each.account)
            ]

    def count(self, endpoint: str) -> int:
        """Return how many calls that endpoint got."""
        return len(self.of(endpoint))

    def throttled(self) -> list[Entry]:
        """Return the calls that the provider refused as too many."""
        with self._lock:
            return [each for each in self.entries if each.throttled]

    def busiest(self, endpoint: str, window: float) -> int:
        """Return the most calls of one account within any such window."""
        by_account: dict[str, list[float]] = defaultdict(list)
        for each in self.of(endpoint):
            by_account[each.account].append(each.at)
        return max(
            (most for at in by_account.values() for most in _most(at, window)),
            default=0,
        )

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self.entries.clear()


def _most(times: list[float], window: float) -> Iterator[int]:
    times.sort()
    first = 0
    for last, moment in enumerate(times):
        while times[first] <= moment - window:
            first += 1
        yield last - first + 1
