"""What the engine itself lets people watch, and the rules that it ships."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from queues import figures
from queues.alerts.measures import Reading, measure
from queues.alerts.rules import starter_rule
from queues.ask import ask
from queues.lines import paused
from queues.models import Worker
from queues.punctuality import late

DAY = 86_400

# The rolled up minutes; what ended for good, cancelled ones left out.
ENDS = """
SELECT type, sum(count) FILTER (WHERE outcome = 'completed') / sum(count) * 100,
       sum(count)
FROM job_minutes
WHERE minute >= %s - %s AND outcome IN ('completed', 'failed', 'lost')
GROUP BY type
"""
LONGEST = """
SELECT type, max(run_max), sum(count) FROM job_minutes
WHERE minute >= %s - %s GROUP BY type
"""
# An attempt that runs now has no minute yet.
RUNNING = """
SELECT job.type, extract(epoch FROM max(clock_timestamp() - attempt.started_at))::float8
FROM job_attempts AS attempt JOIN jobs AS job ON job.id = attempt.job_id
WHERE attempt.finished_at IS NULL AND attempt.started_at IS NOT NULL GROUP BY job.type
"""
DEATHS = """
SELECT type, count(*) FROM dead_letters
WHERE created_at >= %s - %s AND dismissed_at IS NULL GROUP BY type
"""
# How many of the newest ended firings of each schedule failed in a row.
FAILURES = """
SELECT log.job_name, count(*), max(log.schedule_id)
FROM cron_job_logs AS log
LEFT JOIN LATERAL (
    SELECT max(id) AS id FROM cron_job_logs AS good
    WHERE good.job_name = log.job_name AND good.status = 'success'
) AS last ON true
WHERE log.status = 'error' AND log.created_at >= %s - %s
  AND log.id > coalesce(last.id, 0)
GROUP BY log.job_name
"""


@measure("beats", _("schedulers heard of"))
def beats(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell how many beats live."""
    yield Reading(_heard(Worker.Kind.BEAT), path=reverse("admin:index"))


@measure("workers", _("workers heard of"))
def workers(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell how many Celery workers live."""
    yield Reading(
        _heard(Worker.Kind.NODE), path=reverse("admin:queues_worker_changelist")
    )


@measure("backlog-age", _("age of the oldest due job"), unit="s")
def backlog(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell how long the oldest due job of each queue waits; paused ones are meant."""
    oldest: dict[str, float] = {}
    for line in figures.waiting():
        if line.due:
            oldest[line.queue] = max(line.age, oldest.get(line.queue, 0.0))
    for queue in oldest.keys() - set(paused()):
        path = reverse("admin:queues_queue_change", args=[queue])
        yield Reading(oldest[queue], queue, label=queue, path=path)


@measure("dead-letters", _("jobs that died within the window"))
def deaths(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell how many jobs of each type died."""
    for type_, count in ask(DEATHS, now, window):
        path = reverse("admin:queues_deadletter_changelist") + f"?type={type_}"
        yield Reading(count, type_, label=type_, path=path)


@measure("success-rate", _("tries that succeeded"), unit="%")
def success(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell the share of each type's tries that succeeded."""
    for type_, share, count in ask(ENDS, now, window):
        value = float(share or 0)
        yield Reading(value, type_, int(count), type_, path=_jobs(type_))


@measure("run-time", _("longest run"), unit="s")
def longest(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell the longest run of each type, ended or not."""
    found = {type_: float(most or 0) for type_, most, _n in ask(LONGEST, now, window)}
    for type_, most in ask(RUNNING):
        found[type_] = max(most, found.get(type_, 0.0))
    for type_, most in found.items():
        yield Reading(most, type_, label=type_, path=_jobs(type_))


@measure("schedule-errors", _("errors of a schedule in a row"))
def failures(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell how often each schedule failed since it last succeeded."""
    for name, count, schedule in ask(FAILURES, now, window):
        path = reverse("admin:queues_cronlog_changelist")
        if schedule:
            path = reverse(
                "admin:django_celery_beat_periodictask_change", args=[schedule]
            )
        yield Reading(count, name, label=name, path=path)


@measure("schedules-late", _("schedules that are late"))
def late_schedules(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell how many schedules nobody fired in time."""
    path = reverse("admin:django_celery_beat_periodictask_changelist")
    yield Reading(late(), path=path)


def _heard(kind: str) -> int:
    return figures.heartbeats().get(kind, (0, 0.0))[0]


def _jobs(type_: str) -> str:
    return reverse("admin:queues_job_changelist") + f"?type={type_}"


starter_rule("beat-gone", measure="beats", side="below", threshold=1, level="critical")
starter_rule(
    "worker-gone", measure="workers", side="below", threshold=1, level="critical"
)
starter_rule("schedules-late", measure="schedules-late", threshold=0, level="critical")
starter_rule("backlog-age", measure="backlog-age", threshold=900)
starter_rule("dead-letters", measure="dead-letters", threshold=10)
starter_rule("cron-failure", measure="schedule-errors", threshold=0, window_seconds=DAY)
starter_rule(
    "consecutive-errors", measure="schedule-errors", threshold=5,
    level="critical", window_seconds=7 * DAY,
)  # fmt: skip
starter_rule(
    "success-rate", measure="success-rate", side="below", threshold=95,
    critical_threshold=80, min_sample=20, window_seconds=DAY,
)  # fmt: skip
starter_rule("run-time", measure="run-time", threshold=600)
