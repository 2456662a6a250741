"""When a schedule runs, as values: checked, read from a row, turned into columns."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone as clock
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
)

from queues.due import FIELDS, SHORTEST, next_after, parse_cron
from queues.errors import InvalidSchedule

LONGEST = timedelta(days=3653)
PERIODS = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}
MAX_LENGTHS = (240, 96, 124, 64, 64)
"""Characters that the library's columns hold."""

Pattern = list[Any]
"""`["cron", five fields, zone]`, `["every", seconds]`, `["at", moment]`, `["other"]`."""


def check_pattern(
    cron: object, every: object, at: object, *, zone: str | None
) -> Pattern:
    """Return the pattern that a caller says, or raise InvalidSchedule."""
    match cron, every, at:
        case str(line), None, None:
            return _cron(line, settings.TIME_ZONE if zone is None else zone)
        case None, timedelta() as span, None:
            if span % SHORTEST or not SHORTEST <= span <= LONGEST:
                raise InvalidSchedule(
                    "every is made of whole seconds, from one second to ten years"
                )
            return ["every", int(span.total_seconds())]
        case None, None, moment if moment is not None:
            return ["at", check_moment("at", moment)]
        case _:
            raise InvalidSchedule(
                "Say either cron, a text, or every, a timedelta, or at, a moment"
            )


def check_moment(option: str, moment: object) -> str | None:
    """Return the moment in UTC as a text, or raise InvalidSchedule."""
    if moment is None:
        return None
    if not isinstance(moment, datetime) or clock.is_naive(moment):
        raise InvalidSchedule(f"{option} is a date and time with a time zone")
    return moment.astimezone(UTC).isoformat()


def _cron(line: str, zone: str) -> Pattern:
    plan = parse_cron(line, zone)
    fields = [getattr(plan, field) for field in FIELDS]
    for field, text, most in zip(FIELDS, fields, MAX_LENGTHS, strict=True):
        if len(text) > most:
            raise InvalidSchedule(f"The {field.replace('_', ' ')} is too long")
    if next_after(plan, clock.now()) is None:
        raise InvalidSchedule(f"That day never comes: {line}")
    return ["cron", " ".join(fields), plan.zone]


def pattern_of(task: PeriodicTask) -> Pattern:
    """Return the pattern of a saved schedule."""
    if (cron := task.crontab) is not None:
        fields = [getattr(cron, field).replace(" ", "") for field in FIELDS]
        return ["cron", " ".join(fields), str(cron.timezone)]
    if (gap := task.interval) is not None and gap.period in PERIODS:
        return ["every", gap.every * PERIODS[gap.period]]
    if (clocked := task.clocked) is not None:
        return ["at", check_moment("at", clocked.clocked_time)]
    return ["other"]


def columns_of(pattern: Pattern) -> dict[str, Any]:
    """Return the library's rows for a pattern, found or made."""
    kinds: dict[str, Any] = dict.fromkeys(("crontab", "interval", "clocked", "solar"))
    match pattern:
        case ["every", int(seconds)]:
            period, size = next(
                (each, size) for each, size in PERIODS.items() if seconds % size == 0
            )
            same_gap = {"every": seconds // size, "period": period}
            kinds["interval"] = _shared(IntervalSchedule, same_gap)
        case ["at", str(moment)]:
            same_moment = {"clocked_time": datetime.fromisoformat(moment)}
            kinds["clocked"] = _shared(ClockedSchedule, same_moment)
        case ["cron", str(line), zone]:
            same = dict(zip(FIELDS, line.split(), strict=True)) | {"timezone": zone}
            kinds["crontab"] = _shared(CrontabSchedule, same)
        case _:
            raise InvalidSchedule(f"Unknown pattern: {pattern}")
    return kinds


def _shared(model: Any, same: dict[str, Any]) -> Any:
    """Return the row that schedules of one pattern share."""
    found = model.objects.filter(**same).first()
    return found or model.objects.create(**same)
