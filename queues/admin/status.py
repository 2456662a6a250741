"""The status strip of the first page: six facts, by an index each."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from queues import plans
from queues.admin import show
from queues.admin.workers import SILENCE
from queues.due import next_after
from queues.errors import InvalidSchedule
from queues.models import Attempt, DeadLetter, Worker

ENOUGH = 10_000
"""Counting stops here: staff need no more digits."""

SHOWN = 5
OPEN_LETTERS = DeadLetter.objects.filter(replayed_at=None, dismissed_at=None)

# Each (queue, priority) is a range of the claim's own index; limited jobs have another.
DUE = """
WITH RECURSIVE line AS (
    (SELECT queue FROM jobs WHERE status = 'pending' AND limit_name IS NULL
     ORDER BY queue LIMIT 1)
    UNION ALL
    SELECT (SELECT queue FROM jobs WHERE status = 'pending' AND limit_name IS NULL
            AND queue > line.queue ORDER BY queue LIMIT 1)
    FROM line WHERE line.queue IS NOT NULL
)
SELECT count(*), min(run_at) FROM (
    (SELECT job.run_at FROM line CROSS JOIN generate_series(1, 9) AS urgency (priority)
    CROSS JOIN LATERAL (
        SELECT run_at FROM jobs
        WHERE status = 'pending' AND limit_name IS NULL AND queue = line.queue
          AND priority = urgency.priority AND run_at <= statement_timestamp()
        ORDER BY run_at LIMIT %(enough)s
    ) AS job
    LIMIT %(enough)s)
    UNION ALL
    (SELECT run_at FROM jobs WHERE status = 'pending' AND limit_name IS NOT NULL
       AND run_at <= statement_timestamp()
     ORDER BY queue, limit_name, priority, run_at LIMIT %(enough)s)
    LIMIT %(enough)s
) AS due
"""


@dataclass(frozen=True)
class Status:
    """What the first page shows: tiles, the newest open letters, the next runs."""

    tiles: list[dict[str, Any]]
    letters: Any
    runs: list[tuple[datetime, plans.Row]]


def status(user: Any) -> Status:
    """Return what of it the user may view."""
    tiles: list[dict[str, Any]] = []
    letters: Any = []
    runs: list[tuple[datetime, plans.Row]] = []
    if user.has_perm("queues.view_job"):
        tiles += [_due(), _processing()]
    if user.has_perm("queues.view_deadletter"):
        tiles.append(_letters())
        letters = OPEN_LETTERS.order_by("-id")[:SHOWN]
    if user.has_perm("queues.view_worker"):
        tiles += _processes()
    if user.has_perm("django_celery_beat.view_periodictask"):
        runs = _next_runs(timezone.now())
        tiles.append(_next_schedule(runs))
    return Status(tiles, letters, runs[:SHOWN])


def _tile(name: str, value: str, note: str, tone: str, url: str) -> dict[str, Any]:
    return {"name": name, "value": value, "note": note, "tone": tone, "url": url}


def _list(model: str, query: str = "", app: str = "queues") -> str:
    return reverse(f"admin:{app}_{model}_changelist") + query


def _number(count: int) -> str:
    shown = number_format(min(count, ENOUGH), force_grouping=True)
    return f"{shown}+" if count > ENOUGH else shown


def _due() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"enough": ENOUGH + 1})
        count, oldest = cursor.fetchone()
    waits = timezone.now() - oldest if oldest else timedelta()
    note = (
        _("oldest waits %(span)s") % {"span": show.span(waits)}
        if count
        else _("nothing")
    )
    tone = "warn" if waits > timedelta(minutes=1) else "calm"
    return _tile(_("Due now"), _number(count), note, tone, _list("job", "?status=due"))


def _processing() -> dict[str, Any]:
    count = Attempt.objects.filter(finished_at=None)[: ENOUGH + 1].count()
    tone = "busy" if count else "calm"
    url = _list("job", "?status=processing")
    return _tile(_("Processing"), _number(count), _("running right now"), tone, url)


def _letters() -> dict[str, Any]:
    count = OPEN_LETTERS[: ENOUGH + 1].count()
    note = _("wait for a person") if count else _("nothing to repair")
    tone = "bad" if count else "good"
    url = _list("deadletter", "?state=open")
    return _tile(_("Open dead letters"), _number(count), note, tone, url)


def _processes() -> list[dict[str, Any]]:
    alive = Worker.objects.filter(gone_at=None, seen_at__gte=timezone.now() - SILENCE)
    counts = dict(alive.values_list("kind").annotate(Count("id")))
    workers, pool = counts.get(Worker.Kind.NODE, 0), counts.get(Worker.Kind.CHILD, 0)
    beats = counts.get(Worker.Kind.BEAT, 0)
    running = workers or pool
    note = ngettext("%(n)d pool process", "%(n)d pool processes", pool) % {"n": pool}
    missing = _("no job will run")
    worker_tile = _tile(
        _("Workers"), _number(running), note if running else missing,
        "good" if running else "bad", _list("worker", "?state=alive"),
    )  # fmt: skip
    beat_tile = _tile(
        _("Scheduler"), _("alive") if beats else _("silent"),
        _("schedules fire") if beats else _("no schedule will fire"),
        "good" if beats else "bad", _list("worker", "?kind__exact=beat"),
    )  # fmt: skip
    return [worker_tile, beat_tile]


def _next_runs(now: datetime) -> list[tuple[datetime, plans.Row]]:
    runs = [(at, row) for row in plans.rows() if (at := next_run(row, now)) is not None]
    return sorted(runs, key=lambda run: run[0])


def _next_schedule(runs: list[tuple[datetime, plans.Row]]) -> dict[str, Any]:
    url = _list("periodictask", app="django_celery_beat")
    if not runs:
        return _tile(_("Next schedule"), "–", _("none is enabled"), "calm", url)
    at, row = runs[0]
    return _tile(_("Next schedule"), show.relative(at), row.name, "calm", url)


def next_run(row: plans.Row, now: datetime) -> datetime | None:
    """Return when a schedule is due next; None if it is off, over or unreadable."""
    if not row.enabled:
        return None
    try:
        return next_after(row.plan(), now)
    except InvalidSchedule:
        return None
