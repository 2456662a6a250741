"""Fire schedules: one firing and one job per due time, in one transaction.

The database's clock says what is due, its rows what was recorded; any number of
beats may call this at once. The rules:

* Due times are counted from the last recorded one (`schedule_states.counted_from`),
  never from the memory of a process.
* Missed while no beat ran: the latest missed due time is fired, earlier ones are not.
* A new schedule is counted from its creation, an edited pattern from the tick before
  the edit was noticed, a resumed one from its resumption: a pause is not made up for.
* A refused job leaves a firing with status "error" and counts as fired.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from django.db import DatabaseError, OperationalError, connection, transaction

from queues import plans
from queues.due import latest, next_after
from queues.enqueue import enqueue
from queues.errors import InvalidJobData, InvalidSchedule, QueueError
from queues.models.job import DEFAULT_PRIORITY
from queues.notice import notice
from queues.payload import printable
from queues.plans import Row

logger = logging.getLogger(__name__)

LONGEST = 1.0
"""Seconds between two looks at the rows: an edit acts within two of them."""
AGAIN = 0.2
"""Seconds until the next look at a due schedule that someone holds."""
CHUNK = 100
"""Schedules fired in one transaction; their rows are locked meanwhile."""

OPEN = """
INSERT INTO cron_job_logs (schedule_id, due_at, job_name, job_type, status)
SELECT *, 'running' FROM unnest(
    %s::int[], %s::timestamptz[], %s::text[], %s::text[])
ON CONFLICT (schedule_id, due_at) DO NOTHING
RETURNING schedule_id, id
"""
LINK = """
UPDATE cron_job_logs AS log SET job_id = fired.job, details = fired.details,
    status = CASE WHEN fired.job IS NULL THEN 'error' ELSE log.status END,
    finished_at = CASE WHEN fired.job IS NULL THEN clock_timestamp() END
FROM unnest(%s::bigint[], %s::bigint[], %s::jsonb[]) AS fired (id, job, details)
WHERE log.id = fired.id
"""
RECORD = """
UPDATE schedule_states SET counted_from = fired.due_at
FROM unnest(%s::int[], %s::timestamptz[]) AS fired (id, due_at)
WHERE schedule_id = fired.id
"""
# Written so, a stale form that saves the whole row later can spoil no due time.
COUNT = """
UPDATE django_celery_beat_periodictask AS task
SET last_run_at = clock_timestamp(), total_run_count = total_run_count + 1,
    enabled = enabled AND NOT (one_off AND fired.accepted)
FROM unnest(%s::int[], %s::bool[]) AS fired (id, accepted)
WHERE task.id = fired.id
"""


@dataclass(slots=True)
class Memory:
    """What one beat keeps between its ticks; it loses nothing if it forgets."""

    since: datetime | None = None
    next_due: dict[int, tuple[object, datetime | None]] = field(default_factory=dict)

    def learn(self, rows: Sequence[Row]) -> None:
        """Compute the next due time of each row that is not as it was."""
        known, self.next_due = self.next_due, {}
        for row in rows:
            if row.enabled and row.is_noticed and row.counted_from is not None:
                mark = (row.pattern, row.counted_from)
                entry = known.get(row.id)
                if entry is None or entry[0] != mark:
                    entry = mark, _next(row, row.counted_from)
                self.next_due[row.id] = entry

    def due(self, now: datetime) -> list[int]:
        """Return the schedules that are due, the longest due first."""
        times = [(due, key) for key, (_, due) in self.next_due.items() if due]
        return [key for due, key in sorted(times) if due <= now]

    def wait(self, now: datetime) -> float:
        """Return the seconds until the next due time after now."""
        times = [due for _, due in self.next_due.values() if due and due > now]
        return (min(times) - now).total_seconds() if times else LONGEST


@dataclass(slots=True)
class Firing:
    """One due time of one schedule on its way into the tables."""

    row: Row
    due_at: datetime
    log_id: int | None = None
    job_id: int | None = None
    error: str = ""

    @property
    def details(self) -> str:
        """The JSON of the log row."""
        if self.job_id is None:
            return json.dumps({"error": printable(self.error)})
        return json.dumps({"jobId": self.job_id})


def fire(memory: Memory | None = None, *, now: datetime | None = None) -> float:
    """Fire every schedule that is due, once; return the seconds until the next look."""
    memory, began = memory or Memory(), monotonic()
    now = now or _database_clock()
    rows = plans.rows()
    if notice(rows, now=now, since=memory.since):
        rows = plans.rows()
    memory.learn(rows)
    memory.since = now
    due = memory.due(now)
    if due and _fire_all(due, now):
        return 0.0
    longest = AGAIN if due else LONGEST
    return max(0.0, min(longest, memory.wait(now) - (monotonic() - began)))


def _fire_all(ids: Sequence[int], now: datetime) -> int:
    """Fire in chunks; a chunk that the database refuses is fired one by one."""
    fired = 0
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        try:
            fired += _fire(chunk, now)
        except OperationalError:
            raise
        except DatabaseError:
            fired += sum(_fire_alone(each, now) for each in chunk)
    return fired


def _fire_alone(schedule_id: int, now: datetime) -> int:
    try:
        return _fire([schedule_id], now)
    except OperationalError:
        raise
    except DatabaseError as error:
        return _fire([schedule_id], now, refusal=str(error).strip())


@transaction.atomic
def _fire(ids: Sequence[int], now: datetime, *, refusal: str = "") -> int:
    """Fire those that are still due under their lock; return how many were recorded."""
    firings = [
        Firing(row, due_at)
        for row in plans.locked(ids)
        if row.enabled
        and row.is_noticed
        and (due_at := _last_due(row, now)) is not None
    ]
    if not firings:
        return 0
    opened = _open(firings)
    for each in opened:
        each.error = refusal
        if not refusal:
            _enqueue(each)
    _record(firings, opened)
    return len(firings)


def _last_due(row: Row, now: datetime) -> datetime | None:
    """Return the due time to fire; the misfire policy is "once": the latest missed."""
    if row.counted_from is None:
        return None
    return latest(row.plan(), after=row.counted_from, until=now)


def _open(firings: Sequence[Firing]) -> list[Firing]:
    """Write the log rows; return the firings that nobody else has written before."""
    with connection.cursor() as cursor:
        cursor.execute(
            OPEN,
            [
                [each.row.id for each in firings],
                [each.due_at for each in firings],
                [each.row.name for each in firings],
                [each.row.type for each in firings],
            ],
        )
        ids = dict(cursor.fetchall())
    for each in firings:
        each.log_id = ids.get(each.row.id)
    return [each for each in firings if each.log_id is not None]


def _enqueue(firing: Firing) -> None:
    """Write the job of a firing, or say on it why there is none."""
    row = firing.row
    try:
        job = enqueue(
            row.type,
            _data(row),
            priority=DEFAULT_PRIORITY if row.priority is None else row.priority,
            queue=row.queue or None,
            source="schedule",
        )
    except QueueError as error:
        firing.error = str(error)
        logger.error("schedule %s fired no job: %s", row.name, error)  # noqa: TRY400
    except DatabaseError:
        raise
    except Exception as error:  # a payload model may raise anything
        firing.error = f"{type(error).__name__}: {error}"
        logger.exception("schedule %s fired no job", row.name)
    else:
        firing.job_id = job.pk
        logger.info("schedule %s fired job %s, due %s", row.name, job.pk, firing.due_at)


def _data(row: Row) -> object:
    """Return the payload that the row holds as text."""
    if row.args.strip() not in {"", "[]"}:
        raise InvalidJobData("positional arguments are not supported, use keyword ones")
    try:
        return json.loads(row.kwargs or "{}")
    except (ValueError, RecursionError) as error:
        raise InvalidJobData(f"the keyword arguments are not JSON: {error}") from None


def _record(firings: Sequence[Firing], opened: Sequence[Firing]) -> None:
    """Link the log rows to their jobs and remember the due times."""
    with connection.cursor() as cursor:
        cursor.execute(
            LINK,
            [
                [each.log_id for each in opened],
                [each.job_id for each in opened],
                [each.details for each in opened],
            ],
        )
        ids = [each.row.id for each in firings]
        cursor.execute(RECORD, [ids, [each.due_at for each in firings]])
        fired = [each.row.id for each in opened]
        cursor.execute(COUNT, [fired, [each.job_id is not None for each in opened]])


def _next(row: Row, counted_from: datetime) -> datetime | None:
    """Return the next due time; a pattern that cannot be read has none, and is logged."""
    try:
        return next_after(row.plan(), counted_from)
    except InvalidSchedule as error:
        logger.error("schedule %s cannot be fired: %s", row.name, error)  # noqa: TRY400
        return None


def _database_clock() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
