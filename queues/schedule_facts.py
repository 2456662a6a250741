"""What a schedule says, as plain values: checked, read from a row, written to it."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypedDict

from django.db import transaction
from django_celery_beat.models import PeriodicTask

from queues import payload
from queues.errors import InvalidOption, InvalidSchedule
from queues.handlers import registry
from queues.models import ScheduleState
from queues.models.job import DEFAULT_PRIORITY
from queues.priority import check_priority
from queues.schedule_pattern import (
    LONGEST,
    check_moment,
    check_pattern,
    columns_of,
    pattern_of,
)
from queues.schedule_terms import (
    DEFAULT_CAP,
    LONGEST_JITTER,
    MOST_CAP,
    MOST_TRIES,
    Misfire,
    Overlap,
)

__all__ = ["LONGEST", "TERMS", "Facts", "Options", "check", "read", "write"]

MAX_NAME_LENGTH = 200
SECOND = timedelta(seconds=1)

Facts = dict[str, Any]
"""A schedule as JSON values, one for each thing that staff edit as a whole."""

TERMS: Facts = {
    "misfire": Misfire.ONCE.value,
    "misfire_cap": DEFAULT_CAP,
    "grace": None,
    "overlap": Overlap.ALLOW.value,
    "jitter": 0,
    "max_attempts": None,
}
"""The facts for which the library's row has no column, as they are unless told."""
COLUMNS = {"grace": "grace_seconds", "jitter": "jitter_seconds"}
"""Where our row calls a fact by a longer name."""
UNPAUSED = {"paused_at": None, "paused_by": None, "pause_note": ""}


class Options(TypedDict, total=False):
    """What a caller may say of a schedule beside its name and type."""

    data: object
    cron: str | None
    every: timedelta | None
    at: datetime | None
    timezone: str | None
    priority: int
    queue: str | None
    max_attempts: int | None
    start: datetime | None
    end: datetime | None
    one_off: bool
    misfire: str
    misfire_cap: int
    grace: timedelta | None
    overlap: str
    jitter: timedelta | None
    enabled: bool
    description: str


def check(name: object, type_: str, options: Options) -> Facts:
    """Return what the caller asks for, every value checked as `enqueue` checks it."""
    _check_words(name, options)
    handler = registry.get(type_)
    data = options.get("data")
    encoded = payload.encode(handler, {} if data is None else data)
    queue = options.get("queue")
    pattern = check_pattern(
        options.get("cron"),
        options.get("every"),
        options.get("at"),
        zone=options.get("timezone"),
    )
    return {
        "job": {"type": handler.name, "data": json.loads(encoded)},
        "priority": check_priority(options.get("priority", DEFAULT_PRIORITY)),
        "queue": None if queue is None else registry.check_queue(queue),
        "pattern": pattern,
        **_check_window(options),
        "one_off": pattern[0] == "at" or options.get("one_off", False),
        "enabled": options.get("enabled", True),
        "description": payload.printable(options.get("description", "")),
        **_check_terms(options),
    }


def _check_window(options: Options) -> Facts:
    start = check_moment("start", options.get("start"))
    end = check_moment("end", options.get("end"))
    if start and end and start >= end:
        raise InvalidSchedule("The end of a schedule lies after its start")
    return {"start": start, "end": end}


def _check_words(name: object, options: Mapping[str, object]) -> None:
    if (
        not isinstance(name, str)
        or not 0 < len(name) <= MAX_NAME_LENGTH
        or payload.printable(name) != name
    ):
        raise InvalidOption(f"A name is a text of 1 to {MAX_NAME_LENGTH} characters")
    if unknown := set(options) - Options.__annotations__.keys():
        raise InvalidOption(f"Unknown option: {', '.join(sorted(unknown))}")
    for option in ("enabled", "one_off"):
        if not isinstance(options.get(option, False), bool):
            raise InvalidOption(f"{option} is either true or false")
    if not isinstance(options.get("description", ""), str):
        raise InvalidOption("description is a text")


def _check_terms(options: Options) -> Facts:
    words = {"misfire": Misfire.values, "overlap": Overlap.values}
    facts = {name: options.get(name, TERMS[name]) for name in words}
    for name, known in words.items():
        if facts[name] not in known:
            raise InvalidOption(f"{name} is one of {', '.join(known)}")
    numbers = {"misfire_cap": MOST_CAP, "max_attempts": MOST_TRIES}
    for name, most in numbers.items():
        number = facts[name] = options.get(name, TERMS[name])
        if number is None and TERMS[name] is None:
            continue
        if type(number) is not int or not 1 <= number <= most:
            raise InvalidOption(f"{name} is a whole number from 1 to {most}")
    facts["grace"] = _seconds("grace", options.get("grace"), SECOND, LONGEST)
    jitter = options.get("jitter")
    facts["jitter"] = _seconds("jitter", jitter, timedelta(), LONGEST_JITTER) or 0
    return facts


def _seconds(
    option: str, span: object, least: timedelta, most: timedelta
) -> int | None:
    if span is None:
        return None
    if not isinstance(span, timedelta) or span % SECOND or not least <= span <= most:
        raise InvalidOption(
            f"{option} is a timedelta of whole seconds, from {least} to {most}"
        )
    return int(span.total_seconds())


def read(task: PeriodicTask) -> Facts:
    """Return what a saved schedule says now."""
    try:
        data = json.loads(task.kwargs or "{}")
    except ValueError:
        data = task.kwargs
    state = ScheduleState.objects.filter(schedule_id=task.pk).first()
    terms = {
        fact: value if state is None else getattr(state, COLUMNS.get(fact, fact))
        for fact, value in TERMS.items()
    }
    return {
        "job": {"type": task.task, "data": data},
        "priority": DEFAULT_PRIORITY if task.priority is None else task.priority,
        "queue": task.queue or None,
        "pattern": pattern_of(task),
        "start": check_moment("start", task.start_time),
        "end": check_moment("end", task.expires),
        "one_off": task.one_off,
        "enabled": task.enabled,
        "description": task.description,
        **terms,
    }


def write(task: PeriodicTask, facts: Facts) -> None:
    """Save those facts, and nothing else of the schedule, in one transaction."""
    columns: dict[str, Any] = {}
    terms: dict[str, Any] = {}
    for fact, value in facts.items():
        match fact:
            case "job":
                columns["task"] = value["type"]
                columns["kwargs"] = json.dumps(value["data"], ensure_ascii=False)
            case "pattern":
                columns |= columns_of(value)
            case "start" | "end":
                column = "start_time" if fact == "start" else "expires"
                columns[column] = value and datetime.fromisoformat(value)
            case _ if fact in TERMS:
                terms[COLUMNS.get(fact, fact)] = value
            case _:
                columns[fact] = value
    if columns.get("enabled"):
        terms |= UNPAUSED
    _save(task, columns, terms)


def _save(task: PeriodicTask, columns: dict[str, Any], terms: dict[str, Any]) -> None:
    for column, value in columns.items():
        setattr(task, column, value)
    with transaction.atomic():
        # Beat writes to the same row: a save of all columns would undo its counting.
        task.save(update_fields=None if task.pk is None else [*columns, "date_changed"])
        if terms:
            ScheduleState.objects.update_or_create(schedule=task, defaults=terms)
