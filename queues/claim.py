"""Take the next due jobs: one statement, one winner a row."""

from collections.abc import Sequence

from django.db import connection

from queues.claims import Claim, as_claim

# A function keeps its plan, which takes longer to make than to run, and works behind
# a connection pooler. The text is in the migration that made it.
CLAIM = "SELECT * FROM ritmo_claim(%s::text[], %s, %s, %s)"


class LimitsWait(Exception):
    """Jobs under a limit wait, too: look whose turn it is before claiming."""


def claim(
    queues: Sequence[str], *, worker: int, limit: int, heed_limits: bool = False
) -> list[Claim]:
    """Open an attempt on each of the next `limit` due jobs; most urgent first.

    A job is claimed by exactly one caller, however many race for it. Jobs under a
    limit are left to `admit`; who heeds them gets LimitsWait while one is pending,
    and has claimed nothing. Each claim tells whether more were due behind it: only
    then is another process worth waking, or another look.
    """
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [list(queues), worker, limit, heed_limits])
        rows = cursor.fetchall()
    if rows and rows[0][0] is None:
        raise LimitsWait
    claims = [as_claim(row[:-1], started=limit == 1) for row in rows]
    for each, row in zip(claims, rows, strict=True):
        each.has_more = row[-1]
    return claims
