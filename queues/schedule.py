"""Declare schedules from code: the front door to django-celery-beat's rows."""

from dataclasses import dataclass
from typing import Unpack

from django.db import connection, transaction
from django_celery_beat.models import PeriodicTask

from queues import audit
from queues.errors import QueueError
from queues.models import ScheduleState
from queues.schedule_facts import TERMS, Facts, Options, check, read, write
from queues.steer_schedule import pause, resume, run_now

__all__ = [
    "Starter",
    "install",
    "pause",
    "put",
    "resume",
    "run_now",
    "schedule",
    "starter",
    "unschedule",
]

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('schedule:' || %s, 0))"
UNTOLD: Facts = {**TERMS, "one_off": False, "description": ""}
"""What code of an earlier release said by not saying it."""
INSTALL = "INSERT INTO starter_schedules (name) VALUES (%s) ON CONFLICT DO NOTHING"


def schedule(
    name: str,
    *,
    type: str,  # noqa: A002 - the word of the row, the API and the seeds
    force: bool = False,
    **options: Unpack[Options],
) -> PeriodicTask:
    """Create or update the schedule of that name in the caller's transaction.

    Say either `cron`, five fields read in `timezone` (TIME_ZONE unless told), or
    `every`, whole seconds, or `at`, one moment. What staff edited or paused since
    the last call stays as they left it, the rest follows the code; `force`
    overwrites all of it. Raises what `enqueue` raises, or InvalidSchedule, and then writes nothing.
    """
    wanted = check(name, type, options)
    with transaction.atomic():
        task = _locked(name)
        _follow(task, wanted, force=force or task.pk is None)
    return task


@transaction.atomic
def unschedule(name: str) -> bool:
    """Delete the schedule of that name; tell whether there was one."""
    found = PeriodicTask.objects.filter(name=name).first()
    if found is not None:
        audit.record("schedule.delete", found, label=name, before=read(found))
        found.delete()
    return found is not None


@transaction.atomic
def put(name: str, facts: Facts) -> Facts:
    """Let the schedule of that name be as those facts say; return what changed.

    For facts that `check` returned and staff asked for: what code says later gives
    way to them as to any edit.
    """
    task = _locked(name)
    now = {} if task.pk is None else read(task)
    changes = {
        fact: value
        for fact, value in facts.items()
        if fact not in now or now[fact] != value
    }
    if changes:
        _write(task, changes, before=now)
    return changes


@transaction.atomic
def amend(task: PeriodicTask, facts: Facts) -> Facts:
    """Let that schedule, new or saved, be as those facts say, its name among them.

    Returns what changed; of a saved one only that is written.
    """
    if task.pk is None:
        _write(task, facts, before={})
        return facts
    saved = PeriodicTask.objects.select_for_update(of=("self",)).get(pk=task.pk)
    now = {"name": saved.name, **read(saved)}
    changes = {fact: value for fact, value in facts.items() if now.get(fact) != value}
    if changes:
        _write(saved, changes, before=now)
    return changes


def _locked(name: str) -> PeriodicTask:
    """Return the row of that name, or a new one that nobody else can write meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [name])
    known = PeriodicTask.objects.select_for_update(of=("self",))
    return known.filter(name=name).first() or PeriodicTask(name=name)


def _write(task: PeriodicTask, changes: Facts, *, before: Facts) -> None:
    action = "schedule.change" if task.pk else "schedule.create"
    write(task, changes)
    old = {fact: before[fact] for fact in changes if fact in before}
    audit.record(action, task, label=task.name, before=old or None, after=changes)


@dataclass(frozen=True, slots=True)
class Starter:
    """A schedule that an app ships: installed once, then it belongs to staff."""

    name: str
    type: str
    options: Options


_starters: dict[str, Starter] = {}


def starter(name: str, *, type: str, **options: Unpack[Options]) -> None:  # noqa: A002
    """Declare a schedule in an app's `jobs.py` for `install` to write; see `schedule`."""
    _starters[name] = Starter(name, type, options)


def install() -> list[str]:
    """Write the starters never installed before; return their names.

    One that staff edited or deleted since is not touched again, nor is a schedule
    that had the name before.
    """
    return [each.name for each in _starters.values() if _install(each)]


@transaction.atomic
def _install(each: Starter) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(INSTALL, [each.name])
        if not cursor.rowcount:
            return False
    try:
        schedule(each.name, type=each.type, **each.options)
    except QueueError as error:
        error.args = (f"Starter schedule {each.name}: {error}",)
        raise
    return True


def _follow(task: PeriodicTask, wanted: Facts, *, force: bool) -> None:
    """Write what the code may decide, and remember what it said."""
    declared = _declared(task)
    if declared is None and not force:
        return  # a schedule of that name which code never wrote belongs to staff
    now = {} if task.pk is None else read(task)
    changes = {
        fact: value
        for fact, value in wanted.items()
        if now.get(fact, wanted) != value
        and (
            force
            or declared is None
            or now[fact] == declared.get(fact, UNTOLD.get(fact))
        )
    }
    if changes:
        _write(task, changes, before=now)
    if declared != wanted:
        ScheduleState.objects.update_or_create(
            schedule=task, defaults={"declared": wanted}
        )


def _declared(task: PeriodicTask) -> Facts | None:
    """Return what the code said last, or None if it never wrote this schedule."""
    state = ScheduleState.objects.filter(schedule_id=task.pk).first()
    return None if state is None else state.declared
