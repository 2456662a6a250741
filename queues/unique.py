"""Write jobs whose key one live job may hold, or meet the one that holds it."""

from collections.abc import Sequence
from dataclasses import InitVar, dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from queues import payload
from queues.errors import InvalidOption
from queues.patience import patiently

CONFLICTS = ("keep", "replace", "coalesce")
MAX_KEY_LENGTH = 200

WRITE = """
SELECT unique_job.job_id, unique_job.written
FROM unnest(%(payloads)s::text[], %(keys)s::text[])
    WITH ORDINALITY AS row (payload, key, place)
CROSS JOIN LATERAL ritmo_enqueue_unique(
    %(type)s, %(queue)s, row.payload::jsonb, %(priority)s, %(run_at)s, row.key,
    %(max_attempts)s, %(owner_id)s, %(source)s,
    %(on_conflict)s, %(unique_for)s, %(wait)s) AS unique_job
ORDER BY row.place
"""

Written = tuple[int, bool]
"""The id of a job, and whether this call wrote it."""


def check_key(key: object) -> str | None:
    """Return the key, or raise InvalidOption."""
    if key is None:
        return None
    if (
        not isinstance(key, str)
        or not 0 < len(key) <= MAX_KEY_LENGTH
        or payload.printable(key) != key
    ):
        raise InvalidOption(
            f"A unique key is a text of 1 to {MAX_KEY_LENGTH} characters"
        )
    return key


@dataclass(frozen=True, slots=True)
class Policy:
    """What a request does when its key is held; checked when it is made."""

    on_conflict: str
    unique_for: timedelta | None
    keyed: InitVar[bool]

    def __post_init__(self, keyed: bool) -> None:
        """Raise InvalidOption for words that mean nothing, alone or together."""
        if self.on_conflict not in CONFLICTS:
            raise InvalidOption(f"Unknown on_conflict: {self.on_conflict}")
        if (span := self.unique_for) is None:
            return
        longest = timedelta(days=settings.RETENTION_DAYS)
        if not _is_span(span) or not timedelta() < span <= longest:
            raise InvalidOption(
                f"unique_for is a timedelta of at most {longest.days} days"
            )
        if not keyed or self.on_conflict != "keep":
            raise InvalidOption("unique_for needs a unique key and on_conflict='keep'")


def _is_span(value: object) -> bool:
    return isinstance(value, timedelta)


def write_unique(
    columns: dict[str, Any], rows: Sequence[str], keys: Sequence[str], policy: Policy
) -> list[Written]:
    """Write each row unless its key is held; then keep, replace or coalesce.

    Many keys are taken in their own order, and all or none: a call that must wait
    for a verdict lets go of all it holds first, so it never stands in its way.
    """
    if len(keys) != len(rows) or None in map(check_key, keys):
        raise InvalidOption("unique_keys names a key for each data")
    order = sorted(range(len(keys)), key=keys.__getitem__)
    values = {
        **columns,
        "payloads": [rows[place] for place in order],
        "keys": [keys[place] for place in order],
        "on_conflict": policy.on_conflict,
        "unique_for": policy.unique_for,
        "wait": len(keys) == 1,
    }
    found = _write(values) if len(keys) == 1 else patiently(lambda: _write(values))
    return [each for _, each in sorted(zip(order, found, strict=True))]


def _write(values: dict[str, Any]) -> list[Written]:
    with connection.cursor() as cursor:
        cursor.execute(WRITE, values)
        return [(job_id, written) for job_id, written in cursor.fetchall()]
