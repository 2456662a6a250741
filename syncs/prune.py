"""Delete what nobody needs any more: in small batches, never of a sync that lives."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from syncs.models import CacheEntry, Delivery, Event, Quarantined, Run
from syncs.segments import retention
from syncs.states import OVER, Outcome

BATCH = 1000
MOST_BATCHES = 50

EVENTS, RUNS, FAILED_RUNS = timedelta(days=30), timedelta(days=90), timedelta(days=180)
RESOLVED = timedelta(days=30)
BODIES, DELIVERIES = timedelta(days=7), timedelta(days=30)
ENTRIES = timedelta(days=396)
SNAPSHOTS = timedelta(days=90)
"""How long numbers that are shown no more may stand in as an older snapshot."""


def prune() -> dict[str, int]:
    """Delete what is past its time; return how many of each."""
    return {
        "events": _in_batches(_events),
        "runs": _in_batches(_runs),
        "quarantined": _in_batches(_resolved),
        "entries": _in_batches(_entries),
        "bodies": _empty_bodies(),
        "deliveries": _in_batches(_deliveries),
        "lead_events": _in_batches(retention.events),
        "lead_hints": _in_batches(retention.hints),
        "segment_logs": _in_batches(retention.logs),
        "segment_members": _in_batches(retention.members),
        "segment_refusals": _in_batches(retention.refusals),
    }


def _events() -> QuerySet[Any]:
    return Event.objects.filter(at__lt=Now() - EVENTS, run__status__in=OVER)


def _runs() -> QuerySet[Any]:
    """Return old runs; the last good one of a store stays, however old."""
    newer = Run.objects.filter(
        store=OuterRef("store"),
        outcome=Outcome.SUCCEEDED,
        completed_at__gt=OuterRef("completed_at"),
    )
    old = Q(completed_at__lt=Now() - RUNS) & ~Q(outcome=Outcome.FAILED)
    dead = Q(completed_at__lt=Now() - FAILED_RUNS)
    rows = Run.objects.filter(old | dead, status__in=OVER)
    return rows.filter(~Q(outcome=Outcome.SUCCEEDED) | Exists(newer))


def _resolved() -> QuerySet[Any]:
    return Quarantined.objects.filter(resolved_at__lt=Now() - RESOLVED)


def _entries() -> QuerySet[Any]:
    return CacheEntry.objects.filter(
        Q(synced_at__lt=Now() - ENTRIES) | Q(hard_until__lt=Now() - SNAPSHOTS)
    )


def _empty_bodies() -> int:
    """Forget what deliveries said, a week after they were dealt with."""
    rows = Delivery.objects.filter(body__isnull=False, applied_at__lt=Now() - BODIES)
    keys = list(
        rows.order_by("pk").values_list("pk", flat=True)[: BATCH * MOST_BATCHES]
    )
    return Delivery.objects.filter(pk__in=keys).update(body=None)


def _deliveries() -> QuerySet[Any]:
    return Delivery.objects.filter(received_at__lt=Now() - DELIVERIES)


def _in_batches(rows: Callable[[], QuerySet[Any]]) -> int:
    gone = 0
    for _ in range(MOST_BATCHES):
        keys = list(rows().order_by("pk").values_list("pk", flat=True)[:BATCH])
        rows().model._default_manager.filter(pk__in=keys).delete()  # noqa: SLF001
        gone += len(keys)
        if len(keys) < BATCH:
            break
    return gone
