"""Steer a schedule by hand: pause it with a note, resume it, run it now."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models.functions import Now
from django_celery_beat.models import PeriodicTask

from queues import audit, schedule_rows
from queues.enqueue import enqueue
from queues.errors import UnknownSchedule
from queues.models import CronLog, Job, ScheduleState
from queues.payload import printable
from queues.schedule_facts import UNPAUSED


@transaction.atomic
def pause(name: str, *, note: str = "", by: AbstractBaseUser | None = None) -> bool:
    """Let the schedule fire nothing until it is resumed; tell whether it did before.

    `note` and `by` stay beside it; paused again, the last ones are kept.
    Raises UnknownSchedule.
    """
    task = _locked(name)
    note = printable(note)
    facts = {"paused_at": Now(), "paused_by": by, "pause_note": note}
    ScheduleState.objects.update_or_create(schedule=task, defaults=facts)
    did_fire = bool(task.enabled)
    _switch(task, on=False)
    audit.record("schedule.pause", task, label=name, reason=note)
    return did_fire


@transaction.atomic
def resume(name: str, *, note: str = "") -> bool:
    """Let the schedule fire again, from now on; tell whether it was paused.

    What was due meanwhile is not made up for. Raises UnknownSchedule.
    """
    task = _locked(name)
    was_paused = not task.enabled
    ScheduleState.objects.filter(schedule=task).update(**UNPAUSED)
    if was_paused:
        _switch(task, on=True)
        audit.record("schedule.resume", task, label=name, reason=printable(note))
    return was_paused


@transaction.atomic
def run_now(name: str, *, by: AbstractBaseUser | None = None) -> Job:
    """Write the job of a schedule now, beside its due times; return the job.

    Its firing has no due time. What runs already is not asked, nor is a pause.
    Raises UnknownSchedule, or as `enqueue` does, and then writes nothing.
    """
    task = _locked(name)
    row = schedule_rows.row_of(task.pk)
    assert row is not None  # noqa: S101 - it is locked
    job = enqueue(row.type, row.data(), owner=by, **row.options)
    CronLog.objects.create(
        schedule=task,
        job_name=name,
        job_type=row.type,
        status=CronLog.Status.RUNNING,
        job=job,
        details={"jobId": job.pk, "by": audit.whoever().name},
    )
    audit.record("schedule.run", task, label=name, after={"job": job.pk})
    return job


def _locked(name: str) -> PeriodicTask:
    found = PeriodicTask.objects.select_for_update(of=("self",)).filter(name=name)
    task = found.first()
    if task is None:
        raise UnknownSchedule(name)
    return task


def _switch(task: PeriodicTask, *, on: bool) -> None:
    task.enabled = on
    task.save(update_fields=["enabled", "date_changed"])
