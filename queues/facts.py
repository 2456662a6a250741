"""What a schedule says, as plain values: checked, read from a row, written to it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

from django.conf import settings
from django.utils import timezone as clock
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from queues import payload
from queues.due import FIELDS, SHORTEST, next_after, parse_cron
from queues.errors import InvalidOption, InvalidPriority, InvalidSchedule
from queues.handlers import registry
from queues.models.job import DEFAULT_PRIORITY

MAX_NAME_LENGTH = 200
LONGEST = timedelta(days=3653)
PERIODS = {"days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}
MAX_LENGTHS = (240, 96, 124, 64, 64)
"""Characters that the library's columns hold."""
ONLY = {"misfire": "once", "overlap": "allow"}
"""The policies that are known so far."""

Facts = dict[str, Any]
"""A schedule as JSON values, one for each thing that staff edit as a whole."""


class Options(TypedDict, total=False):
    """What a caller may say of a schedule beside its name and type."""

    data: object
    cron: str | None
    every: timedelta | None
    timezone: str | None
    priority: int
    queue: str | None
    start: datetime | None
    end: datetime | None
    misfire: str
    overlap: str
    enabled: bool


def check(name: object, type_: str, options: Options) -> Facts:
    """Return what the caller asks for, every value checked as `enqueue` checks it."""
    _check_words(name, options)
    handler = registry.get(type_)
    data = options.get("data")
    encoded = payload.encode(handler, {} if data is None else data)
    queue, priority = options.get("queue"), options.get("priority", DEFAULT_PRIORITY)
    if isinstance(priority, bool) or priority not in range(1, 10):
        raise InvalidPriority
    start, end = (
        _moment("start", options.get("start")),
        _moment("end", options.get("end")),
    )
    if start and end and start >= end:
        raise InvalidSchedule("The end of a schedule lies after its start")
    return {
        "job": {"type": handler.name, "data": json.loads(encoded)},
        "priority": int(priority),
        "queue": None if queue is None else registry.check_queue(queue),
        "pattern": _pattern(options),
        "start": start,
        "end": end,
        "enabled": bool(options.get("enabled", True)),
    }


def _check_words(name: object, options: Mapping[str, object]) -> None:
    if (
        not isinstance(name, str)
        or not 0 < len(name) <= MAX_NAME_LENGTH
        or "\x00" in name
    ):
        raise InvalidOption(f"A name is a text of 1 to {MAX_NAME_LENGTH} characters")
    for option, only in ONLY.items():
        if options.get(option, only) != only:
            raise InvalidOption(f"{option} other than {only!r} is not supported yet")
    if unknown := set(options) - Options.__annotations__.keys():
        raise InvalidOption(f"Unknown option: {', '.join(sorted(unknown))}")


def _pattern(options: Options) -> list[object]:
    """Return `["cron", five fields, zone]` or `["every", seconds]`, checked."""
    match options.get("cron"), options.get("every"):
        case str(line), None:
            zone = options.get("timezone")
            return _cron(line, settings.TIME_ZONE if zone is None else zone)
        case None, timedelta() as span:
            if span % SHORTEST or not SHORTEST <= span <= LONGEST:
                raise InvalidSchedule(
                    "every is made of whole seconds, from one second to ten years"
                )
            return ["every", int(span.total_seconds())]
        case _:
            raise InvalidSchedule("Say either cron, a text, or every, a timedelta")


def _cron(line: str, zone: str) -> list[object]:
    plan = parse_cron(line, zone)
    fields = [getattr(plan, field) for field in FIELDS]
    for field, text, most in zip(FIELDS, fields, MAX_LENGTHS, strict=True):
        if len(text) > most:
            raise InvalidSchedule(f"The {field.replace('_', ' ')} is too long")
    if next_after(plan, clock.now()) is None:
        raise InvalidSchedule(f"That day never comes: {line}")
    return ["cron", " ".join(fields), plan.zone]


def _moment(option: str, moment: object) -> str | None:
    if moment is None:
        return None
    if not isinstance(moment, datetime) or clock.is_naive(moment):
        raise InvalidSchedule(f"{option} is a date and time with a time zone")
    return moment.astimezone(UTC).isoformat()


def read(task: PeriodicTask) -> Facts:
    """Return what a saved schedule says now."""
    try:
        data = json.loads(task.kwargs or "{}")
    except ValueError:
        data = task.kwargs
    return {
        "job": {"type": task.task, "data": data},
        "priority": DEFAULT_PRIORITY if task.priority is None else task.priority,
        "queue": task.queue or None,
        "pattern": _pattern_of(task),
        "start": _moment("start", task.start_time),
        "end": _moment("end", task.expires),
        "enabled": task.enabled,
    }


def _pattern_of(task: PeriodicTask) -> list[object]:
    if task.one_off:
        return ["once"]
    if (cron := task.crontab) is not None:
        fields = [getattr(cron, field) for field in FIELDS]
        return ["cron", " ".join(fields), str(cron.timezone)]
    if (gap := task.interval) is not None and gap.period in PERIODS:
        return ["every", gap.every * PERIODS[gap.period]]
    return ["other"]


def write(task: PeriodicTask, facts: Facts) -> None:
    """Save those facts, and nothing else of the row."""
    columns: dict[str, Any] = {}
    for fact, value in facts.items():
        match fact:
            case "job":
                columns["task"] = value["type"]
                columns["kwargs"] = json.dumps(value["data"], ensure_ascii=False)
            case "pattern":
                columns |= _pattern_columns(value)
            case "start" | "end":
                column = "start_time" if fact == "start" else "expires"
                columns[column] = value and datetime.fromisoformat(value)
            case _:
                columns[fact] = value
    for column, value in columns.items():
        setattr(task, column, value)
    # Beat writes to the same row: a save of all columns would undo its counting.
    task.save(update_fields=None if task.pk is None else [*columns, "date_changed"])


def _pattern_columns(pattern: list[Any]) -> dict[str, Any]:
    """Return the library's rows for a pattern, found or made."""
    others = {"solar": None, "clocked": None, "one_off": False}
    match pattern:
        case ["every", int(seconds)]:
            period, size = next(
                (each, size) for each, size in PERIODS.items() if seconds % size == 0
            )
            same_gap = {"every": seconds // size, "period": period}
            gap = IntervalSchedule.objects.filter(**same_gap).first()
            gap = gap or IntervalSchedule.objects.create(**same_gap)
            return {**others, "interval": gap, "crontab": None}
        case [_, line, zone]:
            same = dict(zip(FIELDS, line.split(), strict=True)) | {"timezone": zone}
            cron = CrontabSchedule.objects.filter(**same).first()
            cron = cron or CrontabSchedule.objects.create(**same)
            return {**others, "interval": None, "crontab": cron}
        case _:
            raise InvalidSchedule(f"Unknown pattern: {pattern}")
