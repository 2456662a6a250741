"""The page of one job: what it waits for, its timeline, and whom it belongs to."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from queues.admin import show
from queues.masks import masked
from queues.models import Attempt, AuditEntry, Job
from queues.states import State
from queues.waits import wait_of

SHOWN_ATTEMPTS = 50
SHOWN_ACTS = 30
SHOWN_RELATED = 20


def life(job: Job) -> dict[str, Any]:
    """Return what the page of a job shows."""
    attempts = list(
        job.attempts.select_related("worker").order_by("-id")[: SHOWN_ATTEMPTS + 1]
    )
    known = show.handler(job.type)
    return {
        "job": job,
        "badge": show.state(job, timezone.now()),
        "wait": wait_of(job),
        "tries": show.tries(job),
        "took": took(job),
        "description": known.description if known else "",
        "is_known": known is not None,
        "events": _events(job, attempts[:SHOWN_ATTEMPTS]),
        "has_more": len(attempts) > SHOWN_ATTEMPTS,
        "related": list(_related(job)),
        "letters": job.letters.order_by("-id")[:SHOWN_RELATED],
        "firings": job.cron_logs.order_by("-id")[:SHOWN_RELATED],
        "progress": _progress(job),
        "documents": _documents(job),
    }


def took(job: Job) -> str:
    """Return how long the last run took, or how old a waiting job is."""
    now = timezone.now()
    if job.status == State.PENDING or job.started_at is None:
        until = job.completed_at or now
        return _("%(span)s old") % {"span": show.span(until - job.created_at)}
    return show.span((job.completed_at or now) - job.started_at)


def _events(job: Job, attempts: list[Attempt]) -> list[dict[str, Any]]:
    """Return what happened, the newest first: tries, what people did, the end."""
    events = [_try(attempt) for attempt in attempts]
    events += map(_act, _acts(job))
    if job.completed_at:
        badge = show.state(job, timezone.now())
        events.append({"kind": "end", "at": job.completed_at, "badge": badge})
    events.sort(key=lambda event: event["at"], reverse=True)
    events.append({"kind": "created", "at": job.created_at})
    for event, earlier in pairwise(events):
        if event["kind"] == "try":
            since = earlier.get("until") or earlier["at"]
            event["waited"] = show.span(max(event["at"], since) - since)
    return events


def _try(attempt: Attempt) -> dict[str, Any]:
    started, ended = attempt.started_at, attempt.finished_at
    return {
        "kind": "try",
        "at": attempt.claimed_at,
        "until": ended,
        "row": attempt,
        "badge": show.end(attempt.outcome),
        "ran": show.span((ended or timezone.now()) - started) if started else "",
        "log": [_line(line) for line in attempt.log or []],
    }


def _line(line: dict[str, Any]) -> dict[str, Any]:
    """Return a log line with its moment as one, and its fields apart."""
    at = datetime.fromtimestamp(float(line.get("at", 0)), tz=UTC)
    fields = {key: line[key] for key in line if key not in {"at", "message"}}
    return {"at": at, "message": line.get("message", ""), "fields": fields}


def _acts(job: Job) -> Iterable[AuditEntry]:
    entries = AuditEntry.objects.filter(target_id=str(job.pk), target_kind="queues.job")
    return entries.order_by("-at", "-id")[:SHOWN_ACTS]


def _act(entry: AuditEntry) -> dict[str, Any]:
    """Return what a person did, with what it changed where that is one value."""
    before, after = entry.before or {}, entry.after or {}
    changed = [
        f"{name}: {before[name]} → {after[name]}" for name in before if name in after
    ]
    return {
        "kind": "act",
        "at": entry.at,
        "word": show.deed(entry.action),
        "entry": entry,
        "changed": changed,
    }


def _related(job: Job) -> Iterator[tuple[str, list[Job]]]:
    """Yield each kind of related jobs that there are, with the first of them."""
    older = Job.objects.filter(pk__in=job.needs.values("needs"))
    younger = Job.objects.filter(pk__in=job.needed_by.values("job"))
    kinds = [(_("It waits, or waited, for"), older), (_("Jobs that need it"), younger)]
    if job.unique_key is not None:
        others = Job.objects.filter(type=job.type, unique_key=job.unique_key)
        kinds.append((_("Others with its unique key"), others.exclude(pk=job.pk)))
    for name, jobs in kinds:
        rows = jobs.defer("payload", "result", "checkpoint").order_by("-pk")
        if found := list(rows[:SHOWN_RELATED]):
            yield name, [_marked(each) for each in found]


def _marked(job: Job) -> Any:
    return {"job": job, "badge": show.state(job, timezone.now())}


def _progress(job: Job) -> dict[str, Any]:
    """Return how far a handler said it is; empty if it said nothing."""
    said = job.progress
    if not isinstance(said, dict) or not isinstance(said.get("done"), int | float):
        return {}
    return {"done": said["done"], "total": said.get("total"), "note": said.get("note")}


def _documents(job: Job) -> list[tuple[str, str]]:
    found = [
        (_("payload"), job.payload),
        (_("result"), job.result),
        (_("checkpoint"), job.checkpoint),
        (_("asked for meanwhile"), job.rerun),
    ]
    return [
        (name, show.pretty(masked(value))) for name, value in found if value is not None
    ]
