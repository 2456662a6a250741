"""What only a test can know: what reached the phones, and which hours were open then."""

from collections import Counter
from typing import Protocol

from django.db import connection

from cadences.invariants import CLOSED


class Counted(Protocol):
    """A recorder or a simulator: it knows what arrived, by execution."""

    def counts(self) -> Counter[str]:
        """Count what arrived."""


def closed_sends() -> list[str]:
    """Return what was sent outside the open hours, which no test changes afterwards."""
    with connection.cursor() as cursor:
        cursor.execute(CLOSED)
        return [str(row[0]) for row in cursor.fetchall()]


def doubled(recorder: Counted) -> dict[str, int]:
    """Return the executions that reached somebody more than once (I3)."""
    return {name: count for name, count in recorder.counts().items() if count > 1}
