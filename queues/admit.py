"""Take the next due jobs of a limit that has room: lock its row, count, then claim."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import connection

from queues.allowance import declare
from queues.claims import Claim, as_claim
from queues.handlers import registry
from queues.limits import Limit

WINDOW = 100
"""Keys that one look compares; with more waiting, the next look goes on behind them."""
KNOCKS = 3
PAUSE = 0.003
"""Seconds before knocking again at a limit that someone else is claiming from."""

# A function: its statements each see what was committed before them, it is one round
# trip, and its plans are kept. The text is in the migration that made it.
ADMIT = "SELECT * FROM ritmo_admit(%s, ritmo_open(%s::text[], %s), %s, %s, %s)"


@dataclass(slots=True)
class Admission:
    """What was claimed under a limit, and whether it has room for another process."""

    claims: list[Claim] = field(default_factory=list)
    has_more: bool = False


def admit(name: str, queues: Sequence[str], *, worker: int, limit: int) -> Admission:
    """Open an attempt on up to `limit` due jobs, never more than the limit allows.

    The most urgent first, of those a job of the key served least recently. All that
    claim under one limit go through one door, its row; it is open for a millisecond.
    """
    for knock in range(KNOCKS):
        if knock:
            time.sleep(PAUSE)
        with connection.cursor() as cursor:
            cursor.execute(ADMIT, [name, list(queues), worker, worker, limit, WINDOW])
            rows = cursor.fetchall()
        if not rows or rows[0][0] is not None:
            started = limit == 1
            claims = [as_claim(row[:-1], started=started, limit=name) for row in rows]
            return Admission(claims, has_more=len(rows) == limit and rows[0][-1])
        # Deleted rather than locked? It comes back as its code declares it.
        declare([_declared(name)])
    return Admission()


def _declared(name: str) -> Limit:
    known = registry.limits.values()
    return next((limit for limit in known if limit.name == name), Limit(name))
