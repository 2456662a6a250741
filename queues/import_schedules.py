"""Write schedules that a file describes: by name, again and again with one result."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from django.db import transaction
from django_celery_beat.models import PeriodicTask

from queues import export_schedules
from queues.errors import QueueError, UnreadableFile
from queues.foreign.crontab import is_crontab, read_crontab
from queues.foreign.entry import Entry, Found, Refusal
from queues.foreign.pgcron import is_pgcron, read_pgcron
from queues.foreign.vercel import read_vercel
from queues.models import ScheduleState
from queues.schedule import pause, put
from queues.schedule_facts import Facts, check

Verb = Literal["create", "change", "same", "refuse"]


@dataclass(frozen=True, slots=True)
class Step:
    """What was done, or would be, about one entry of a file."""

    verb: Verb
    name: str
    told: str
    notes: tuple[str, ...] = ()


def understand(text: str, *, base_url: str = "", zone: str) -> list[Found]:
    """Return what a file says, whichever of the four kinds it is of.

    Raises UnreadableFile if it is of none.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    match document:
        case {"schedules": list()}:
            return list(export_schedules.entries(document))
        case {"crons": list(crons)}:
            return read_vercel(crons, base_url=base_url)
        case None if is_pgcron(text):
            return read_pgcron(text)
        case None if is_crontab(text):
            return read_crontab(text, zone=zone)
    raise UnreadableFile(
        "This is none of: our JSON, a vercel.json with crons, a crontab,"
        " SQL with cron.schedule(…)"
    )


def restore(found: Iterable[Found], *, dry_run: bool = False) -> list[Step]:
    """Write each entry that can be written, in one transaction; tell what became of it.

    What a file of another system does not say stays as it is.
    """
    with transaction.atomic():
        steps = [_restore(each) for each in found]
        if dry_run:
            transaction.set_rollback(True)
    return steps


def _restore(each: Found) -> Step:
    if isinstance(each, Refusal):
        return Step("refuse", each.what, each.why)
    try:
        facts = check(each.name, each.type, each.options)
    except QueueError as error:
        return Step("refuse", each.name, str(error))
    if not each.is_whole:
        facts = _said(each, facts)
    exists = PeriodicTask.objects.filter(name=each.name).exists()
    changes = put(each.name, facts)
    if each.pause_note and not facts["enabled"]:
        changes |= _pause(each)
    if not exists:
        return Step("create", each.name, _plainly(facts), each.notes)
    if not changes:
        return Step("same", each.name, "", each.notes)
    return Step("change", each.name, ", ".join(changes), each.notes)


def _said(entry: Entry, facts: Facts) -> Facts:
    """Return the facts that the file says; for a new schedule that is enough."""
    said = {"job", "pattern"} | entry.options.keys()
    return {fact: value for fact, value in facts.items() if fact in said}


def _pause(entry: Entry) -> dict[str, Any]:
    state = ScheduleState.objects.filter(schedule__name=entry.name).first()
    if state is not None and state.pause_note == entry.pause_note:
        return {}
    pause(entry.name, note=entry.pause_note)
    return {"pause_note": entry.pause_note}


def _plainly(facts: Facts) -> str:
    when = " ".join(str(each) for each in facts["pattern"])
    return f"{when} → {facts['job']['type']}"
