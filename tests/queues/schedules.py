"""Schedules for tests, written as the library's rows, and a clock to fire them by."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from queues.fire import Memory, fire
from queues.models import CronLog, Job

T0 = datetime(2026, 1, 5, 2, 30, tzinfo=ZoneInfo("UTC"))
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def cron(line: str, zone: str = "UTC") -> dict[str, CrontabSchedule]:
    """Return the columns of a crontab."""
    fields = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    values = dict(zip(fields, line.split(), strict=True))
    return {
        "crontab": CrontabSchedule.objects.create(**values, timezone=ZoneInfo(zone))
    }


def every(seconds: int, period: str = "seconds") -> dict[str, IntervalSchedule]:
    """Return the columns of an interval."""
    return {"interval": IntervalSchedule.objects.create(every=seconds, period=period)}


def make_schedule(
    name: str = "nightly", *, saved_at: datetime = T0, **columns: object
) -> PeriodicTask:
    """Write a row as if it had been saved at that moment; daily at 03:00 unless told."""
    if not {"crontab", "interval", "clocked", "solar"} & set(columns):
        columns |= cron("0 3 * * *")
    task = PeriodicTask.objects.create(name=name, **{"task": "noop", **columns})
    edit(task, date_changed=saved_at)
    return task


def edit(task: PeriodicTask, /, **columns: object) -> None:
    """Change columns in bulk: no signal, no `date_changed`."""
    PeriodicTask.objects.filter(pk=task.pk).update(**columns)


def at(text: str) -> datetime:
    """Return a moment of the test day, or of another if it is named."""
    return datetime.fromisoformat(
        text if "-" in text else f"2026-01-05 {text}"
    ).replace(tzinfo=ZoneInfo("UTC"))


def tick(moment: str | datetime, memory: Memory | None = None) -> float:
    """Fire as a beat that has just started would at that moment; return the wait."""
    return fire(memory, now=at(moment) if isinstance(moment, str) else moment)


def due_times(name: str = "nightly") -> list[str]:
    """Return the due times of a schedule that were run."""
    logs = CronLog.objects.filter(job_name=name).exclude(status="skipped")
    return [
        f"{log.due_at:%d %H:%M:%S}" if log.due_at else "by hand"
        for log in logs.order_by("due_at")
    ]


def skips(name: str = "nightly") -> list[tuple[str, int, str]]:
    """Return what was skipped of a schedule: why, how many, and the last due time."""
    logs = CronLog.objects.filter(job_name=name, status="skipped").order_by("due_at")
    return [
        (log.details["reason"], log.details["count"], f"{log.due_at:%d %H:%M:%S}")
        for log in logs
    ]


def jobs() -> int:
    """Count the jobs."""
    return Job.objects.count()
