"""Say how a run stands: in the seed's words, and how long to wait before asking again."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from syncs import clock
from syncs.models import Run
from syncs.states import OVER, Outcome, RunStatus, StreamStatus, Waiting

SOON, LATER, SELDOM = 2000, 5000, 15000
"""Milliseconds between two looks at a young, an older and an old run."""
LONGEST = 300_000
YOUNG, OLD = timedelta(seconds=30), timedelta(minutes=5)


WORDS: dict[str, str | Promise] = {
    RunStatus.QUEUED: _("In the queue"),
    RunStatus.PROCESSING: _("Being synced"),
    RunStatus.COMPLETED: _("Done"),
    RunStatus.FAILED: _("Went wrong"),
}
"""The seed's words, as people read them."""
WAITS: dict[str, str | Promise] = {
    Waiting.RATE_LIMIT: _("Waits for the limit of the provider"),
    Waiting.QUOTA: _("The calls of today are used up"),
    Waiting.PROVIDER: _("The provider prepares the data"),
    Waiting.SLICE: _("Others have their turn, then it goes on"),
    Waiting.RETRY: _("The last try failed, another one follows"),
    Waiting.LOST: _("Its worker vanished, another one takes over"),
    Waiting.STALLED: _("It made no progress, another try follows"),
    Waiting.PAUSED: _("The connection rests after several errors"),
}
STREAMS: dict[str, str | Promise] = {
    StreamStatus.PENDING: _("not begun"),
    StreamStatus.RUNNING: _("being read"),
    StreamStatus.WAITING: _("waiting"),
    StreamStatus.COMPLETE: _("complete"),
    StreamStatus.HELD: _("held back"),
    StreamStatus.FAILED: _("failed"),
}

NAMES: dict[str, str | Promise] = {
    "orders": _("orders"),
    "campaigns": _("campaigns"),
    "flows": _("flows"),
    "campaign_values": _("results of campaigns"),
    "flow_values": _("results of flows"),
    "revenue": _("revenue by day"),
}
"""What people call the streams of the providers."""


def stream_name(stream: str) -> str | Promise:
    """Return what people call a stream; one that is unknown by its own name."""
    return NAMES.get(stream, stream)


def word(run: Run) -> str | Promise:
    """Return how a run stands, in the words of the seed."""
    if run.outcome == Outcome.PARTIAL:
        return _("Partial")
    if run.outcome == Outcome.CANCELLED:
        return _("Cancelled")
    if run.status == RunStatus.QUEUED and run.waiting_for in {
        Waiting.RATE_LIMIT,
        Waiting.QUOTA,
    }:
        return _("Waiting for a limit")
    return WORDS[run.status]


def poll_after(run: Run, *, now: datetime) -> int | None:
    """Return the milliseconds after which to look again; None once it has ended."""
    if run.status in OVER:
        return None
    if run.status == RunStatus.QUEUED and run.not_before and run.not_before > now:
        wait = int((run.not_before - now).total_seconds() * 1000)
        return min(max(wait, SOON), LONGEST)
    age = now - run.queued_at
    if age < YOUNG:
        return SOON
    return LATER if age < OLD else SELDOM


def represent(run: Run, *, now: datetime | None = None) -> dict[str, Any]:
    """Return a run as callers of the API see it."""
    moment = now or clock.now()
    return {
        "id": str(run.pk),
        "store_id": str(run.store_id),
        "status": run.status,
        "partial": run.outcome == Outcome.PARTIAL,
        "outcome": run.outcome,
        "period_start": run.period_start and run.period_start.isoformat(),
        "period_end": run.period_end and run.period_end.isoformat(),
        "types": run.data_types,
        "priority": run.priority,
        "forced": run.is_forced,
        "waiting_for": run.waiting_for,
        "not_before": iso(run.not_before),
        "retry_count": run.retry_count,
        "max_retries": run.max_retries,
        "error": run.error_message,
        "error_class": run.error_kind,
        "error_code": run.error_code or None,
        "queued_at": iso(run.queued_at),
        "started_at": iso(run.started_at),
        "completed_at": iso(run.completed_at),
        "poll_after_ms": poll_after(run, now=moment),
    }


def streams(run: Run) -> list[dict[str, Any]]:
    """Return how far each stream of a run is."""
    rows = run.streams.select_related("connection").order_by("id")
    return [
        {
            "provider": row.connection.provider,
            "stream": row.stream,
            "status": row.status,
            "pages": row.pages,
            "rows": row.rows_seen,
            "expected": row.expected,
            "waiting_until": iso(row.waiting_until),
            "error": row.error or None,
            "error_code": row.error_code or None,
        }
        for row in rows
    ]


def tag(run: Run) -> str:
    """Return what changes whenever a run does."""
    return f"{run.pk.hex}-{run.progress_seq}"


def iso(moment: datetime | None) -> str | None:
    """Return a moment in UTC as the API of syncs writes it."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
