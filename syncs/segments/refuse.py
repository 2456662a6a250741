"""Rows that cannot be read: kept aside by their form, settled once they can be."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from django.db.models.functions import Now

from syncs.models import SegmentControl, SegmentRefusal
from syncs.segments.read import form_of

MAX_REASON = 500


def refuse(control: SegmentControl, rows: Iterable[tuple[str, str, Any]]) -> None:
    """Keep rows aside: id, reason and row. One that is there is seen again.

    A row without an id is known by its form: a broken export fills no table.
    """
    kept = {}
    for key, reason, row in rows:
        form = form_of(row)
        mark = key or "?" + sha256(repr(sorted(form.items())).encode()).hexdigest()[:16]
        kept[mark] = SegmentRefusal(
            control=control, external_id=mark, reason=reason[:MAX_REASON], sample=form
        )
    open_ = SegmentRefusal.objects.filter(control=control, resolved_at=None)
    there = set(
        open_.filter(external_id__in=kept).values_list("external_id", flat=True)
    )
    open_.filter(external_id__in=there).update(seen_at=Now())
    SegmentRefusal.objects.bulk_create(
        [each for mark, each in kept.items() if mark not in there]
    )


def settle_refusals(control: SegmentControl, keys: Iterable[str]) -> int:
    """Settle what was kept aside of rows that could be read now; return how many."""
    open_ = SegmentRefusal.objects.filter(control=control, resolved_at=None)
    return open_.filter(external_id__in=list(keys)).update(resolved_at=Now())
