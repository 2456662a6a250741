"""Who changed a schedule, when, why, and what it said before and after."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_celery_beat.models import PeriodicTask

from queues.admin import phrase, show
from queues.models import AuditEntry, ScheduleState
from queues.schedule_facts import read

SHOWN = 10
DEEDS = {
    "schedule.create": gettext_lazy("created it"),
    "schedule.change": gettext_lazy("changed it"),
    "schedule.pause": gettext_lazy("paused it"),
    "schedule.resume": gettext_lazy("resumed it"),
    "schedule.run": gettext_lazy("ran it by hand"),
}
FACTS = {
    "name": gettext_lazy("Name"),
    "pattern": gettext_lazy("Runs"),
    "priority": gettext_lazy("Priority"),
    "queue": gettext_lazy("Queue"),
    "start": gettext_lazy("Not before"),
    "end": gettext_lazy("Not after"),
    "one_off": gettext_lazy("End after the first run"),
    "enabled": gettext_lazy("Enabled"),
    "description": gettext_lazy("Note"),
    "misfire": gettext_lazy("If runs were missed"),
    "misfire_cap": gettext_lazy("Most missed runs"),
    "grace": gettext_lazy("Too late after"),
    "overlap": gettext_lazy("If the run before is not done"),
    "jitter": gettext_lazy("Spread over"),
    "max_attempts": gettext_lazy("Tries"),
}
Difference = tuple[str, str, str]


def changes_of(task: PeriodicTask) -> Iterator[dict[str, Any]]:
    """Yield the last changes of a schedule, the latest first."""
    entries = AuditEntry.objects.filter(
        target_kind="django_celery_beat.periodictask", target_id=str(task.pk)
    )
    for each in entries.order_by("-at", "-id")[:SHOWN]:
        yield {
            "who": each.actor,
            "what": DEEDS.get(each.action, each.action),
            "why": each.reason,
            "at": each.at,
            "facts": list(_differences(each)),
        }


def told_of(task: PeriodicTask) -> list[tuple[str, str]]:
    """Return what a schedule says beside its payload and pattern, for a reader."""
    facts = read(task)
    shown = [
        (str(name), _told(fact, facts[fact]))
        for fact, name in FACTS.items()
        if fact in facts and fact not in {"pattern", "enabled", "description"}
    ]
    return [(_("Job type"), task.task), *shown]


def _differences(entry: AuditEntry) -> Iterator[Difference]:
    if entry.action != "schedule.change":
        return
    before, after = entry.before or {}, entry.after or {}
    for fact, value in after.items():
        if fact == "job":
            yield from _job(before.get(fact) or {}, value)
        elif fact in FACTS:
            name = str(FACTS[fact])
            yield name, _told(fact, before.get(fact)), _told(fact, value)


def _job(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Difference]:
    """Yield a new type, and each part of the payload that is another."""
    if before.get("type") != after["type"]:
        yield _("Job type"), str(before.get("type") or "–"), after["type"]
    old, new = before.get("data"), after["data"]
    if not isinstance(old, dict) or not isinstance(new, dict):
        yield _("Payload"), _json(old), _json(new)
        return
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            yield name, _json(old.get(name)), _json(new.get(name))


def _json(value: object) -> str:
    return "–" if value is None else show.short(json.dumps(value, ensure_ascii=False))


def _told(fact: str, value: Any) -> str:
    """Return the value of a fact as people say it."""
    if value is None or value == "":
        return "–"
    speak = SPEAK.get(fact)
    return str(speak(value) if speak else value)


def _pattern(pattern: list[Any]) -> str:
    match pattern:
        case ["cron", str(line), zone]:
            return f"{phrase.cron(line)} ({zone})"
        case ["every", int(seconds)]:
            return phrase.every_seconds(seconds)
        case ["at", str(moment)]:
            return phrase.once(datetime.fromisoformat(moment))
        case _:
            return str(pattern[0]) if pattern else "–"


SPEAK: dict[str, Callable[[Any], object]] = {
    "pattern": _pattern,
    "enabled": lambda value: _("yes") if value else _("no"),
    "one_off": lambda value: _("yes") if value else _("no"),
    "grace": lambda value: _("%(n)s s") % {"n": value},
    "jitter": lambda value: _("%(n)s s") % {"n": value},
    "start": lambda value: show.clock(datetime.fromisoformat(value)),
    "end": lambda value: show.clock(datetime.fromisoformat(value)),
    "misfire": lambda value: dict(ScheduleState.Misfire.choices).get(value, value),
    "overlap": lambda value: dict(ScheduleState.Overlap.choices).get(value, value),
}
"""How to say what is not its own word."""
