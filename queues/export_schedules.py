"""Schedules as a JSON document, and back: every fact that staff can say."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django_celery_beat.models import PeriodicTask

from queues.errors import QueueError
from queues.foreign.entry import Entry, Found, Refusal
from queues.models import ScheduleState
from queues.models.job import DEFAULT_PRIORITY
from queues.schedule_facts import TERMS, Facts, Options, read

VERSION = 1
SPANS = ("every", "grace", "jitter")
MOMENTS = ("at", "start", "end")
PLAIN = (
    "data", "cron", "timezone", "priority", "queue", "max_attempts", "one_off",
    "misfire", "misfire_cap", "overlap", "enabled", "description",
)  # fmt: skip
DEFAULTS: Facts = {
    **TERMS, "priority": DEFAULT_PRIORITY, "queue": None, "start": None, "end": None,
    "one_off": False, "enabled": True, "description": "",
}  # fmt: skip
KNOWN = frozenset({*SPANS, *MOMENTS, *PLAIN, "name", "type", "pause_note"})


def export() -> tuple[dict[str, Any], list[Refusal]]:
    """Return the document of all schedules, and those that it cannot hold."""
    kinds = ("crontab", "interval", "clocked")
    tasks = PeriodicTask.objects.select_related(*kinds).order_by("name")
    notes = dict(
        ScheduleState.objects.exclude(pause_note="").values_list("pk", "pause_note")
    )
    found = [_written(task, notes.get(task.pk, "")) for task in tasks]
    schedules = [each for each in found if isinstance(each, dict)]
    refused = [each for each in found if isinstance(each, Refusal)]
    return {"version": VERSION, "schedules": schedules}, refused


def _written(task: PeriodicTask, note: str) -> dict[str, Any] | Refusal:
    facts = read(task)
    kind, *said = facts.pop("pattern")
    if kind == "other":
        return Refusal(task.name, "its pattern is of a kind that is not supported")
    job = facts.pop("job")
    if not isinstance(job["data"], dict) or task.args.strip() not in {"", "[]"}:
        return Refusal(task.name, "its payload is not a JSON object")
    facts |= {"pause_note": note} if note and not task.enabled else {}
    document = {"name": task.name, **job, kind: said[0]}
    document |= {"timezone": said[1]} if kind == "cron" else {}
    return document | {
        fact: value
        for fact, value in facts.items()
        if fact not in DEFAULTS or DEFAULTS[fact] != value
    }


def entries(document: dict[str, Any]) -> Iterator[Found]:
    """Yield what a document of `export` says, values not yet checked."""
    seen = set[str]()
    for each in document["schedules"]:
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            yield Refusal(str(each)[:100], "a schedule is an object with a name")
            continue
        name = each["name"]
        if name in seen:
            yield Refusal(name, "another entry of the file has this name")
            continue
        seen.add(name)
        try:
            yield _entry(name, each)
        except (QueueError, TypeError, ValueError, OverflowError) as error:
            yield Refusal(name, str(error))


def _entry(name: str, said: dict[str, Any]) -> Entry:
    if unknown := said.keys() - KNOWN:
        raise ValueError(f"unknown words: {', '.join(sorted(unknown))}")
    values: dict[str, Any] = {word: said[word] for word in PLAIN if word in said}
    values |= {
        word: timedelta(seconds=said[word])
        for word in SPANS
        if said.get(word) is not None
    }
    values |= {
        word: datetime.fromisoformat(said[word])
        for word in MOMENTS
        if said.get(word) is not None
    }
    options: Options = values  # type: ignore[assignment]
    note = str(said.get("pause_note", ""))
    return Entry(name, said.get("type", ""), options, is_whole=True, pause_note=note)
