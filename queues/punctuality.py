"""Which schedules cannot fire or are late, and what firings came to lately."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from queues import payload, schedule_rows
from queues.ask import ask, database_now
from queues.due import next_after
from queues.errors import QueueError
from queues.handlers import registry
from queues.models import CronLog
from queues.schedule_rows import Row

TOLERATED = timedelta(minutes=1)
"""A due time that nobody fired for longer than this means that beat is in trouble."""

# Skipped due times are told in one firing, which counts them.
LATELY = """
SELECT status, sum(CASE WHEN status = 'skipped'
           AND jsonb_typeof(details -> 'count') = 'number'
           THEN (details ->> 'count')::numeric ELSE 1 END)::int8,
       extract(epoch FROM max(created_at - due_at)
           FILTER (WHERE job_id IS NOT NULL))::float8
FROM cron_job_logs
WHERE created_at > statement_timestamp() - interval '1 hour' AND schedule_id IS NOT NULL
GROUP BY status
"""


@dataclass(frozen=True, slots=True)
class Ailment:
    """What is wrong with one schedule, in words."""

    name: str
    said: str
    is_late: bool = False
    has_ended: bool = False


def ailments() -> list[Ailment]:
    """Return what keeps schedules that are on from firing, or from firing in time."""
    now = database_now()
    on = [row for row in schedule_rows.rows() if row.enabled]
    return [each for row in on for each in _of(row, now)]


def late() -> int:
    """Return how many schedules have a due time that nobody fired in time."""
    return sum(each.is_late for each in ailments())


def firings_lately() -> tuple[dict[str, int], float]:
    """Return the due times of the last hour by status, and the seconds of the latest."""
    counts = dict.fromkeys(CronLog.Status.values, 0)
    worst = 0.0
    for status, count, delay in ask(LATELY):
        counts[status] = count
        worst = max(worst, delay or 0.0)
    return counts, worst


def _of(row: Row, now: datetime) -> Iterator[Ailment]:
    try:
        due = next_after(row.plan(), row.counted_from or row.changed_at)
        payload.encode(registry.get(row.type), row.data())
    except QueueError as error:
        yield Ailment(row.name, str(error))
        return
    except Exception as error:  # noqa: BLE001 - a payload model may raise anything
        yield Ailment(row.name, f"{type(error).__name__}: {error}")
        return
    if due is None:
        yield Ailment(row.name, _("it has no due time any more"), has_ended=True)
    elif row.is_noticed and now - due > TOLERATED:
        line = _("it is due since %(seconds).0f s and nobody has fired it")
        words = {"seconds": (now - due).total_seconds()}
        yield Ailment(row.name, line % words, is_late=True)
