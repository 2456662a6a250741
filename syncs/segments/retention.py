"""What segments leave behind, and for how long it is kept."""

from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from syncs.models import (
    Enrolment,
    LeadEvent,
    LeadHint,
    SegmentLog,
    SegmentMember,
    SegmentRefusal,
)

EVENTS, ENROLLED = timedelta(days=30), timedelta(days=90)
HINTS = timedelta(days=7)
LOGS, FAILED_LOGS = timedelta(days=90), timedelta(days=180)
MEMBERS = timedelta(days=180)
SETTLED = timedelta(days=30)
Status = SegmentLog.Status


def events() -> QuerySet[Any]:
    """Return events nobody asks for any more; what enrolled a lead is kept longer."""
    did = Exists(Enrolment.objects.filter(event=OuterRef("pk")))
    old = LeadEvent.objects.filter(at__lt=Now() - EVENTS)
    return old.filter(Q(at__lt=Now() - ENROLLED) | ~did)


def hints() -> QuerySet[Any]:
    """Return old hints; one that nobody could apply goes as well."""
    return LeadHint.objects.filter(received_at__lt=Now() - HINTS)


def logs() -> QuerySet[Any]:
    """Return old log rows; the last success of a segment stays, however old."""
    newer = SegmentLog.objects.filter(
        control=OuterRef("control"),
        status=Status.SUCCESS,
        execution_time__gt=OuterRef("execution_time"),
    )
    rows = SegmentLog.objects.filter(
        Q(execution_time__lt=Now() - LOGS) & ~Q(status=Status.ERROR)
        | Q(execution_time__lt=Now() - FAILED_LOGS)
    )
    return rows.filter(~Q(status=Status.SUCCESS) | Exists(newer))


def members() -> QuerySet[Any]:
    """Return memberships that ended long ago."""
    return SegmentMember.objects.filter(removed_at__lt=Now() - MEMBERS)


def refusals() -> QuerySet[Any]:
    """Return rows kept aside that were dealt with."""
    return SegmentRefusal.objects.filter(resolved_at__lt=Now() - SETTLED)
