"""Start a run anew: the old one ends, and a new round begins with the first step."""

from uuid import UUID

from django.db import transaction

from cadences.advance import finish
from cadences.enroll import enroll
from cadences.errors import IllegalMove
from cadences.models import Run
from cadences.pause import held, in_doubt
from cadences.states import LIVE, EventType, ExitReason
from cadences.tell import tell


@transaction.atomic
def restart(
    run_id: UUID, *, actor: str, first_step: int = 1, row_version: int | None = None
) -> Run:
    """End a run if it lives, and enrol its lead again; return the new run.

    A person says so: whether the lead may enter again by itself does not matter.
    Raises IllegalMove while a message may be on its way, NotEnrolled.
    """
    run = held(run_id, row_version=row_version)
    if in_doubt(run):
        raise IllegalMove("This step may have been sent: resolve it first")
    if run.status in LIVE:
        finish(run, ExitReason.REPLACED, actor=actor)
    fresh = enroll(
        run.lead, run.cadence, context=run.context, first_step=first_step,
        source="restart", actor=actor, may_return=True,
    )  # fmt: skip
    tell(fresh, EventType.RESTARTED, actor=actor, run_before=str(run.pk))
    return fresh
