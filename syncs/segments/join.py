"""Who is in a segment: leads join and leave, once each, and an event tells it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from queues.enqueue import enqueue_many
from syncs.clock import now
from syncs.models import (
    EnrolmentRule,
    LeadEvent,
    SegmentControl,
    SegmentMember,
    SegmentPass,
)

ENROL = "enroll-leads"
CHUNK = 100
Kind = LeadEvent.Kind

# Whoever joined while the pages were read was told of by a webhook: the pages before
# that may have missed them.
LEAVERS = """
WITH seen AS MATERIALIZED (
    SELECT DISTINCT unnest(ids) AS external_id FROM sync_segment_pages
    WHERE sync_id = %(sync)s AND sweep = %(sweep)s AND kind = %(kind)s
)
SELECT member.id FROM segment_members AS member
LEFT JOIN seen USING (external_id)
WHERE control_id = %(control)s AND removed_at IS NULL AND joined_at < %(began)s
    AND seen.external_id IS NULL
ORDER BY member.id
"""


def join(
    control: SegmentControl, leads: Mapping[str, UUID], *, is_baseline: bool
) -> list[int]:
    """Let these leads, by their ids elsewhere, be members; return the new events.

    The caller holds the segment's row, so nobody else adds or removes one meanwhile.
    """
    there = SegmentMember.objects.filter(control=control, external_id__in=leads)
    known = {each.external_id: each for each in there}
    back = [each for each in known.values() if each.removed_at is not None]
    new = sorted(key for key in leads if key not in known)
    moment = now()
    SegmentMember.objects.bulk_create(
        SegmentMember(
            control=control, lead_id=leads[key], external_id=key, joined_at=moment
        )
        for key in new
    )
    for each in back:
        each.removed_at, each.joined_at = None, moment
        each.lead_id = leads[each.external_id]
    SegmentMember.objects.bulk_update(back, ["removed_at", "joined_at", "lead"])
    joined = [leads[key] for key in (*new, *(each.external_id for each in back))]
    return _tell(control, joined, Kind.JOINED, moment, is_baseline=is_baseline)


def leavers(sync: SegmentPass, kind: str) -> list[int]:
    """Return the members that were on no page of a finished sweep."""
    values: dict[str, Any] = {
        "sync": sync.pk, "control": sync.control_id, "sweep": sync.sweep,
        "kind": kind, "began": sync.started_at,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(LEAVERS, values)
        return [member_id for (member_id,) in cursor.fetchall()]


def leave(control: SegmentControl, members: Sequence[int]) -> list[int]:
    """Let these members be members no more; return the new events."""
    moment = now()
    gone = SegmentMember.objects.filter(pk__in=members, removed_at=None)
    leads = list(gone.order_by("pk").values_list("lead_id", flat=True))
    gone.update(removed_at=moment)
    return _tell(control, leads, Kind.LEFT, moment)


def changed(facts: Mapping[UUID, tuple[str, Sequence[str]]]) -> list[int]:
    """Tell what changed of leads, by the occasion of it; return the new events."""
    rows = [
        LeadEvent(
            lead_id=lead_id, kind=Kind.CHANGED, occasion=occasion[:100],
            details={"facts": list(names)}, at=now(),
        )
        for lead_id, (occasion, names) in facts.items()
    ]  # fmt: skip
    return [each.pk for each in LeadEvent.objects.bulk_create(rows)]


def ask(events: Iterable[int]) -> None:
    """Let the rules look at these events, by jobs of the caller's transaction."""
    ids = list(events)
    if not ids or not EnrolmentRule.objects.filter(is_active=True).exists():
        return
    chunks = [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]
    enqueue_many(ENROL, [{"events": chunk} for chunk in chunks], priority=3)


def _tell(
    control: SegmentControl,
    leads: Iterable[UUID],
    kind: str,
    moment: datetime,
    *,
    is_baseline: bool = False,
) -> list[int]:
    rows = LeadEvent.objects.bulk_create(
        LeadEvent(
            control=control, lead_id=lead_id, kind=kind, at=moment,
            occasion=moment.isoformat(), is_baseline=is_baseline,
        )
        for lead_id in dict.fromkeys(leads)
    )  # fmt: skip
    return [each.pk for each in rows]
