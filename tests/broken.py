"""Every invariant that the rows of a test break, looked at in one statement."""

import re

from django.db import connection

from queues.invariants import known
from tests.emptying import filled

MOST = 3
WORD = re.compile(r"\w+")


def broken() -> dict[str, list[str]]:
    """Return the broken invariants, each with some of the rows that break it.

    One whose tables are all empty cannot be broken, and is not looked at.
    """
    rows = filled()
    parts = [
        f"(SELECT '{name}', row_to_json(broken)::text"
        f" FROM ({each.sql} LIMIT {MOST}) AS broken)"
        for name, each in known().items()
        if rows.intersection(WORD.findall(each.sql))
    ]
    found: dict[str, list[str]] = {}
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(parts))
            for name, row in cursor.fetchall():
                found.setdefault(name, []).append(row)
    return found
