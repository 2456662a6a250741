"""What a pending job waits for: one reason, and one sentence that says it."""

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from queues.ask import ask
from queues.figures import FRESH, place
from queues.handlers import registry
from queues.models import Job
from queues.states import LIVE, End, State

NAMED = 5
"""Jobs that are named in a sentence."""

# The database's clock alone says whether a job is due.
STANDING = """
SELECT run_at > statement_timestamp(), (
    SELECT outcome FROM job_attempts WHERE job_id = jobs.id ORDER BY id DESC LIMIT 1)
FROM jobs WHERE id = %s
"""
# Nodes say which queues they take; commands and web requests come and go.
CREW = """
SELECT count(*) FILTER (WHERE kind = 'node'),
       coalesce(bool_or(%(queue)s = ANY(string_to_array(queues, ',')))
           FILTER (WHERE kind = 'node'), FALSE),
       count(*) FILTER (WHERE kind = 'child'),
       (SELECT count(*) FROM job_attempts WHERE finished_at IS NULL),
       (SELECT pause_note FROM queue_states
        WHERE name = %(queue)s AND paused_at IS NOT NULL)
FROM workers WHERE gone_at IS NULL
  AND seen_at > clock_timestamp() - %(fresh)s * interval '1 second'
"""
# One row a number of the limit: how many there are, of how many, who holds them.
LIMIT = """
WITH rule AS (
    SELECT *, period_seconds * interval '1 second' AS period
    FROM limits WHERE name = %(name)s
), held AS (
    SELECT id, limit_key, started_at FROM jobs
    WHERE status = 'processing' AND limit_name = %(name)s
), used AS (
    SELECT key, at + period AS until FROM limit_uses, rule
    WHERE limit_name = %(name)s AND at > statement_timestamp() - period
)
SELECT 'full', running, (SELECT count(*) FROM held),
    ARRAY(SELECT id FROM held ORDER BY started_at, id LIMIT %(named)s),
    NULL::timestamptz
FROM rule
UNION ALL
SELECT 'full-key', running_per_key,
    (SELECT count(*) FROM held WHERE limit_key = %(key)s),
    ARRAY(SELECT id FROM held WHERE limit_key = %(key)s
          ORDER BY started_at, id LIMIT %(named)s),
    NULL
FROM rule
UNION ALL
SELECT 'rate', rate, (SELECT count(*) FROM used), '{}', (SELECT min(until) FROM used)
FROM rule
UNION ALL
SELECT 'rate-key', rate_per_key, (SELECT count(*) FROM used WHERE key = %(key)s), '{}',
    (SELECT min(until) FROM used WHERE key = %(key)s)
FROM rule
"""


class Reason(StrEnum):
    """Why a pending job does not run yet; the first that is true is told."""

    OTHERS = "others"
    SCHEDULED = "scheduled"
    BACKOFF = "backoff"
    SNOOZED = "snoozed"
    PAUSED = "paused"
    NO_WORKER = "no-worker"
    UNHEARD = "unheard"
    UNKNOWN_TYPE = "unknown-type"
    CLOSED = "closed"
    FULL = "full"
    FULL_KEY = "full-key"
    RATE = "rate"
    RATE_KEY = "rate-key"
    BEHIND = "behind"
    BUSY = "busy"
    NEXT = "next"


SENTENCES: dict[Reason, Any] = {
    Reason.OTHERS: ngettext_lazy(
        "It waits for the end of job %(jobs)s.",
        "It waits for the end of %(count)d jobs: %(jobs)s.",
        "count",
    ),
    Reason.SCHEDULED: _("It is not due before %(until)s."),
    Reason.BACKOFF: _("Its last try failed; the next one is due at %(until)s."),
    Reason.SNOOZED: _("Its last run asked to go on at %(until)s."),
    Reason.PAUSED: _("Its queue “%(name)s” is paused%(note)s."),
    Reason.NO_WORKER: _("It is due, but no worker is running."),
    Reason.UNHEARD: _(
        "It is due, but no running worker takes jobs of the queue “%(name)s”."
    ),
    Reason.UNKNOWN_TYPE: _(
        "No code here knows the type “%(name)s”: the worker that takes it will turn "
        "it into a dead letter."
    ),
    Reason.CLOSED: _(
        "The limit “%(name)s” lets nothing start until somebody raises its zero."
    ),
    Reason.FULL: _(
        "The limit “%(name)s” is full: %(count)d of %(most)d run, held by %(jobs)s."
    ),
    Reason.FULL_KEY: _(
        "The limit “%(name)s” is full for the key “%(key)s”: %(count)d of %(most)d "
        "run, held by %(jobs)s."
    ),
    Reason.RATE: _(
        "The limit “%(name)s” let %(count)d of %(most)d start in its period; the next "
        "may start at %(until)s."
    ),
    Reason.RATE_KEY: _(
        "The limit “%(name)s” let %(count)d of %(most)d start for the key “%(key)s” in "
        "its period; the next may start at %(until)s."
    ),
    Reason.BEHIND: ngettext_lazy(
        "It is due; %(count)d job stands before it in its line.",
        "It is due; %(count)d jobs stand before it in its line.",
        "count",
    ),
    Reason.BUSY: _("It is next, and starts as soon as a worker process is free."),
    Reason.NEXT: _("It is next: a worker takes it within a second."),
}


@dataclass(frozen=True, slots=True)
class Wait:
    """One reason with its facts: what, how many of how many, who, until when."""

    reason: Reason
    name: str = ""
    key: str = ""
    count: int = 0
    most: int = 0
    jobs: tuple[int, ...] = ()
    until: datetime | None = None
    note: str = ""

    def __str__(self) -> str:
        facts = asdict(self)
        more = " …" if self.count > len(self.jobs) else ""
        facts["jobs"] = ", ".join(f"#{job}" for job in self.jobs) + more
        facts["note"] = f": {self.note}" if self.note else ""
        if self.until:
            facts["until"] = f"{timezone.localtime(self.until):%Y-%m-%d %H:%M:%S %Z}"
        return str(SENTENCES[self.reason] % facts)


class Crew(NamedTuple):
    """Who is there to run the jobs of a queue: nodes, their processes, what runs."""

    nodes: int
    is_heard: bool
    hands: int
    running: int
    pause: str | None
    """The note of whoever paused the queue; None while it is open."""


def wait_of(job: Job) -> Wait | None:
    """Return what the job waits for now; None once it runs or has ended."""
    if job.status != State.PENDING:
        return None
    if job.held_run_at is not None:
        return _others(job)
    if wait := _until_due(job):
        return wait
    crew = Crew(*ask(CREW, queue=job.queue, fresh=FRESH)[0])
    return _no_hands(job, crew) or _limit(job) or _line(job, crew)


def _others(job: Job) -> Wait:
    living = job.needs.filter(needs__status__in=LIVE).order_by("needs_id")
    jobs = tuple(living.values_list("needs_id", flat=True)[:NAMED])
    count = len(jobs) if len(jobs) < NAMED else living.count()
    return Wait(Reason.OTHERS, count=count, jobs=jobs)


def _until_due(job: Job) -> Wait | None:
    with connection.cursor() as cursor:
        cursor.execute(STANDING, [job.pk])
        is_future, outcome = cursor.fetchone() or (False, None)
    if not is_future:
        return None
    if outcome in {End.FAILED, End.LOST}:
        return Wait(Reason.BACKOFF, until=job.run_at)
    is_snoozed = outcome == End.SNOOZED
    return Wait(Reason.SNOOZED if is_snoozed else Reason.SCHEDULED, until=job.run_at)


def _no_hands(job: Job, crew: Crew) -> Wait | None:
    if crew.pause is not None:
        return Wait(Reason.PAUSED, name=job.queue, note=crew.pause)
    if not crew.nodes:
        return Wait(Reason.NO_WORKER)
    if not crew.is_heard:
        return Wait(Reason.UNHEARD, name=job.queue)
    if job.type not in registry:
        return Wait(Reason.UNKNOWN_TYPE, name=job.type)
    return None


def _limit(job: Job) -> Wait | None:
    """Return which number of its limit leaves no room, and who takes it up."""
    if job.limit_name is None:
        return None
    name, key = job.limit_name, job.limit_key or ""
    rules = ask(LIMIT, name=name, key=key, named=NAMED)
    if any(most == 0 for _kind, most, *_rest in rules):
        return Wait(Reason.CLOSED, name=name)
    for kind, most, count, holders, until in rules:
        if most is not None and count >= most:
            jobs = tuple(holders)
            return Wait(Reason(kind), name, key, count, most, jobs, until)
    return None


def _line(job: Job, crew: Crew) -> Wait:
    if ahead := place(job) - 1:
        return Wait(Reason.BEHIND, name=job.queue, count=ahead)
    is_busy = crew.hands and crew.running >= crew.hands
    return Wait(Reason.BUSY if is_busy else Reason.NEXT)
