"""What people may do to a segment: pause, reactivate, let many leave; each is told."""

from django.db import transaction

from queues import audit
from syncs.clock import now
from syncs.models import SegmentControl

Status = SegmentControl.Status


@transaction.atomic
def pause(control_id: int, note: str = "") -> None:
    """Sync a segment no more by its schedule; one that runs stops at its next page."""
    _write(control_id, "segment.pause", status=Status.PAUSED, note=note)


@transaction.atomic
def reactivate(control_id: int) -> None:
    """Sync a segment by its schedule again; what fell into the pause is not made up."""
    _write(
        control_id, "segment.reactivate", status=Status.ACTIVE, note="",
        resumed_at=now(), next_execution=None,
    )  # fmt: skip


@transaction.atomic
def accept_removals(control_id: int) -> None:
    """Let the next whole reading remove as many members as have left, this once."""
    _write(control_id, "segment.accept_removals", accept_removals=True)


def _write(control_id: int, action: str, **facts: object) -> None:
    control = SegmentControl.objects.select_for_update(no_key=True).get(pk=control_id)
    before = {name: getattr(control, name) for name in facts}
    for name, value in facts.items():
        setattr(control, name, value)
    control.save(update_fields=[*facts])
    audit.record(
        action, control, reason=str(facts.get("note", "")), before=before, after=facts
    )
