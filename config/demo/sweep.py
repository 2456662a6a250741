"""Keep the demo small, and still where it is not wanted."""

from datetime import timedelta

from django.db.models.functions import Now
from django_celery_beat.models import PeriodicTask

from cadences.models import Message
from queues.models import CronLog, Job
from queues.states import FINAL

TYPES = "demo-"
SCHEDULES = "Demo: "
PAUSED = "Paused: the demo is off."
MOST = 5000
"""Rows a sweep: a day of the demo is less than twice that, and it sweeps hourly."""


def sweep(age: timedelta) -> int:
    """Delete ended demo jobs, firings and messages older than this; count the jobs."""
    old = Job.objects.filter(
        type__startswith=TYPES, status__in=FINAL, completed_at__lt=Now() - age
    )
    keys = list(old.values_list("pk", flat=True)[:MOST])
    CronLog.objects.filter(
        job_name__startswith=SCHEDULES, created_at__lt=Now() - age
    ).delete()
    Message.objects.filter(
        conversation__external_id__startswith=TYPES, created_at__lt=Now() - age
    ).delete()
    Job.objects.filter(pk__in=keys).delete()
    return len(keys)


def pause() -> int:
    """Pause the demo's schedules: their job types are unknown while it is off."""
    running = PeriodicTask.objects.filter(name__startswith=SCHEDULES, enabled=True)
    return int(running.update(enabled=False, description=PAUSED))


def resume() -> int:
    """Let those schedules go on that `pause` paused, and no others."""
    paused = PeriodicTask.objects.filter(name__startswith=SCHEDULES, description=PAUSED)
    return int(paused.update(enabled=True, description=""))
