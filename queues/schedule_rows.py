"""Schedules as they stand in the database: a row becomes a plan."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from queues.due import Between, Cron, Every, Once, Plan
from queues.errors import InvalidJobData, InvalidSchedule
from queues.models.job import DEFAULT_PRIORITY
from queues.schedule_terms import Terms

# Plain values, one statement: a zone or an interval that the library's own fields
# refuse to load must not hide the other rows.
ROWS = """
SELECT task.id, task.name, task.task, task.args, task.kwargs, task.queue,
       task.priority, task.enabled, task.one_off, task.start_time, task.expires,
       task.date_changed, task.last_run_at,
       CASE WHEN cron.id IS NOT NULL THEN ARRAY[cron.minute, cron.hour,
           cron.day_of_month, cron.month_of_year, cron.day_of_week, cron.timezone] END,
       CASE WHEN gap.id IS NOT NULL THEN gap.every || ' ' || gap.period END,
       clocked.clocked_time, task.solar_id IS NOT NULL,
       state.pattern, state.paused, state.noticed_at, state.counted_from,
       state.misfire, state.misfire_cap, state.grace_seconds, state.overlap,
       state.jitter_seconds, state.max_attempts
FROM django_celery_beat_periodictask AS task
LEFT JOIN django_celery_beat_crontabschedule AS cron ON cron.id = task.crontab_id
LEFT JOIN django_celery_beat_intervalschedule AS gap ON gap.id = task.interval_id
LEFT JOIN django_celery_beat_clockedschedule AS clocked ON clocked.id = task.clocked_id
{join} JOIN schedule_states AS state ON state.schedule_id = task.id
"""
READ = ROWS.format(join="LEFT")
# Whoever holds a row edits it or fires it: the next tick comes in a second.
LOCK = ROWS.format(join="INNER") + (
    " WHERE task.id = ANY(%s) FOR NO KEY UPDATE OF task, state SKIP LOCKED"
)
ONE = READ + " WHERE task.id = %s"


@dataclass(frozen=True, slots=True)
class Row:
    """One schedule with what is remembered of it."""

    id: int
    name: str
    type: str
    args: str
    kwargs: str
    queue: str | None
    priority: int | None
    enabled: bool
    one_off: bool
    start: datetime | None
    end: datetime | None
    changed_at: datetime
    last_run_at: datetime | None
    cron: Sequence[str] | None
    gap: str | None
    clocked: datetime | None
    solar: bool
    noticed: str | None
    paused: bool | None
    noticed_at: datetime | None
    counted_from: datetime | None
    misfire: str | None
    misfire_cap: int | None
    grace: int | None
    overlap: str | None
    jitter: int | None
    max_attempts: int | None

    @property
    def terms(self) -> Terms:
        """The policies, those of a new schedule if nothing is known of it."""
        if self.misfire is None or self.misfire_cap is None or self.overlap is None:
            return Terms(one_off=self.one_off)
        return Terms(
            misfire=self.misfire,
            cap=self.misfire_cap,
            grace=None if self.grace is None else timedelta(seconds=self.grace),
            overlap=self.overlap,
            jitter=timedelta(seconds=self.jitter or 0),
            max_attempts=self.max_attempts,
            one_off=self.one_off,
        )

    @property
    def options(self) -> dict[str, Any]:
        """What `enqueue` is told of its job beside type and data."""
        return {
            "priority": DEFAULT_PRIORITY if self.priority is None else self.priority,
            "queue": self.queue or None,
            "max_attempts": self.max_attempts,
            "source": "schedule",
        }

    def data(self) -> object:
        """Return the payload that the row holds as text, or raise InvalidJobData."""
        if self.args.strip() not in {"", "[]"}:
            raise InvalidJobData(
                "positional arguments are not supported, use keyword ones"
            )
        try:
            return json.loads(self.kwargs or "{}")
        except (ValueError, RecursionError) as error:
            raise InvalidJobData(
                f"the keyword arguments are not JSON: {error}"
            ) from None

    @property
    def pattern(self) -> str:
        """All that decides when it is due, in one line: a change of it is an edit."""
        kinds = (
            f"cron {' | '.join(self.cron)}" if self.cron else "",
            self.gap and f"every {self.gap}",
            self.clocked and f"once {self.clocked.astimezone(UTC).isoformat()}",
            self.solar and "solar",
            self.start and f"from {self.start.astimezone(UTC).isoformat()}",
            self.end and f"before {self.end.astimezone(UTC).isoformat()}",
        )
        return ", ".join(kind for kind in kinds if kind)

    @property
    def is_noticed(self) -> bool:
        """Tell whether the memory of this row agrees with the row."""
        return (self.noticed, self.paused) == (self.pattern, not self.enabled)

    def plan(self) -> Plan:
        """Return when it is due; raise InvalidSchedule if that cannot be said.

        Intervals keep phase with their start, or else with what they are counted from.
        """
        match self.cron, self.gap, self.clocked, self.solar:
            case [*fields], None, None, False:
                inner: Cron | Every | Once = Cron(*fields)
            case None, str(gap), None, False:
                anchor = self.start or self.counted_from or self.changed_at
                inner = Every(_interval(gap), anchor.replace(microsecond=0))
            case None, None, datetime() as moment, False:
                inner = Once(moment)
            case None, None, None, True:
                raise InvalidSchedule("Solar schedules are not supported")
            case _:
                raise InvalidSchedule("A schedule needs exactly one kind of pattern")
        return Between(inner, self.start, self.end)


def rows() -> list[Row]:
    """Return every schedule, enabled or not."""
    with connection.cursor() as cursor:
        cursor.execute(READ)
        return [Row(*row) for row in cursor.fetchall()]


def locked(ids: Sequence[int]) -> list[Row]:
    """Return those of the schedules that nobody else holds, locked until the commit."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [list(ids)])
        return [Row(*row) for row in cursor.fetchall()]


def row_of(schedule_id: int) -> Row | None:
    """Return one schedule, or None; `next_after(row.plan(), …)` tells its due times."""
    with connection.cursor() as cursor:
        cursor.execute(ONE, [schedule_id])
        row = cursor.fetchone()
    return None if row is None else Row(*row)


def _interval(text: str) -> timedelta:
    every, unit = text.split()
    try:
        return timedelta(**{unit: int(every)})
    except (OverflowError, TypeError):
        raise InvalidSchedule(f"An interval cannot be read: {text!r}") from None
