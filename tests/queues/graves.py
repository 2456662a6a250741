"""Dead jobs by the hundred, for tests of what is done to many letters."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from queues.bulk import Order, begin
from queues.letters import Selection
from queues.models import DeadLetter, LetterBulk
from queues.repair import Step, repair

# As a worker would have left them: one failed try, one letter.
BURY = """
WITH dead AS (
    INSERT INTO jobs (type, queue, payload, status, failures, completed_at, unique_key)
    SELECT %(type)s, 'default', doc::jsonb, 'failed', 1, clock_timestamp(), key
    FROM unnest(%(docs)s::text[], %(keys)s::text[]) AS row (doc, key)
    RETURNING id, type, payload
), tried AS (
    INSERT INTO job_attempts (job_id, number, finished_at, outcome)
    SELECT id, 1, clock_timestamp(), 'failed' FROM dead
)
INSERT INTO dead_letters (job_id, type, reason)
SELECT id, type, %(reason)s || ' ' || id FROM dead RETURNING job_id
"""


def bury(
    count: int,
    *,
    type_: str = "noop",
    reason: str = "RuntimeError: no order",
    payload: Mapping[str, Any] | None = None,
    keys: Sequence[str] | None = None,
) -> list[int]:
    """Write that many dead jobs with their letters; return the ids of the jobs."""
    values = {
        "type": type_,
        "docs": [json.dumps({} if payload is None else payload)] * count,
        "keys": list(keys) if keys else [None] * count,
        "reason": reason,
    }
    with connection.cursor() as cursor:
        cursor.execute(BURY, values)
        return [job_id for (job_id,) in cursor.fetchall()]


def order(verb: str = "replay", **options: Any) -> Order:
    """Return an order over the open letters, or those of a `selection`."""
    return Order(verb, options.pop("selection", Selection()), **options)


def carry_out(bulk: LetterBulk) -> Step:
    """Go page by page to the end, as the job would."""
    while not (step := repair(bulk.pk)).is_finished:
        assert not step.wait
    return step


def done(verb: str = "replay", **options: Any) -> LetterBulk:
    """Order a bulk, carry it out, end its job, return it as it then is."""
    bulk = begin(order(verb, **options))
    carry_out(bulk)
    return LetterBulk.objects.get(pk=bulk.pk)


def still_open() -> int:
    """Count the open letters."""
    return DeadLetter.objects.filter(replayed_at=None, dismissed_at=None).count()
