"""Rows kept aside: read their lead anew at the source, or let them go."""

from hashlib import sha256

from django.db import transaction
from django.db.models.functions import Now

from queues import audit
from queues.enqueue import enqueue
from syncs.clock import now
from syncs.models import LeadHint, SegmentRefusal
from syncs.segments.hint import JOB


def can_replay(refusal: SegmentRefusal) -> bool:
    """Tell whether the row said who it is: else there is nobody to ask for."""
    return refusal.resolved_at is None and not refusal.external_id.startswith("?")


@transaction.atomic
def replay(refusal: SegmentRefusal) -> None:
    """Let a job fetch the lead of a row anew; once it can be read, the row is settled."""
    hint = LeadHint.objects.create(
        connection=refusal.control.connection, external_id=refusal.external_id,
        segment_id=refusal.control.segment_id, window=int(now().timestamp() * 1e6),
        digest=sha256(f"refusal {refusal.pk}".encode()).hexdigest(),
    )  # fmt: skip
    enqueue(JOB, {"hint": hint.pk}, priority=3)
    audit.record("refusal.replay", refusal)


@transaction.atomic
def dismiss(refusal: SegmentRefusal) -> None:
    """Settle a row by hand."""
    SegmentRefusal.objects.filter(pk=refusal.pk, resolved_at=None).update(
        resolved_at=Now()
    )
    audit.record("refusal.dismiss", refusal)
