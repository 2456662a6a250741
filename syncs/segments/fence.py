"""Keep ghosts from writing: whoever takes a sync up raises its fence."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from syncs.clock import now
from syncs.models import SegmentControl, SegmentPass
from syncs.segments.errors import Ghost


@dataclass(frozen=True, slots=True)
class Hold:
    """A sync as the process holds it that runs it now."""

    sync_id: int
    control_id: int
    fence: int


@transaction.atomic
def take_up(sync: SegmentPass) -> Hold:
    """Run a sync from now on; whoever ran it before writes nothing more."""
    SegmentControl.objects.select_for_update(no_key=True).get(pk=sync.control_id)
    count = SegmentPass.objects.filter(pk=sync.pk).update(fence=F("fence") + 1)
    if not count:
        raise Ghost
    SegmentPass.objects.filter(pk=sync.pk, started_at=None).update(started_at=now())
    fence = SegmentPass.objects.values_list("fence", flat=True).get(pk=sync.pk)
    return Hold(sync.pk, sync.control_id, fence)


@contextmanager
def holding(hold: Hold) -> Iterator[SegmentPass]:
    """Yield the sync in a transaction in which nobody else writes for its segment.

    Raises Ghost if another process has taken it up, or it has ended.
    """
    with transaction.atomic():
        control = (
            SegmentControl.objects.select_for_update(no_key=True)
            .filter(pk=hold.control_id)
            .first()
        )
        sync = SegmentPass.objects.filter(pk=hold.sync_id, fence=hold.fence).first()
        if control is None or sync is None:
            raise Ghost
        sync.control = control
        yield sync
