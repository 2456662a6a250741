"""Open, close, pause and archive a cadence; what its runs do then, the gates say."""

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from cadences.errors import IllegalMove
from cadences.models import Cadence, Run
from cadences.states import PauseReason, RunStatus
from queues.audit import record

State = Cadence.State
MOVES: dict[str, tuple[str, ...]] = {
    State.DRAFT: (State.ARCHIVED,),
    State.ACTIVE: (State.CLOSED, State.PAUSED, State.ARCHIVED),
    State.CLOSED: (State.ACTIVE, State.PAUSED, State.ARCHIVED),
    State.PAUSED: (State.ACTIVE, State.CLOSED, State.ARCHIVED),
    State.ARCHIVED: (State.CLOSED,),
}
"""Where a cadence can go from where it is."""


def may_go(cadence: Cadence, to: str) -> bool:
    """Tell whether a cadence can go there from where it is."""
    needs_version = to in {State.ACTIVE, State.CLOSED, State.PAUSED}
    is_whole = cadence.published_id is not None or not needs_version
    return to in MOVES.get(cadence.state, ()) and is_whole


@transaction.atomic
def steer(cadence: Cadence, to: str) -> Cadence:
    """Let a cadence go to another state; raises IllegalMove.

    From a pause its runs go on with the wait that was left of their step.
    """
    held = Cadence.objects.select_for_update().get(pk=cadence.pk)
    if not may_go(held, to):
        word = State(held.state).label
        raise IllegalMove(_("The cadence is %(state)s") % {"state": word})
    before = held.state
    held.state = to
    held.save(update_fields=["state"])
    woken = _wake(held) if before == State.PAUSED and to != State.ARCHIVED else 0
    after = {"state": to, **({"runs": woken} if woken else {})}
    record(f"cadence.{to}", held, before={"state": before}, after=after)
    return held


def _wake(cadence: Cadence) -> int:
    """Let the runs that were paused with the cadence end their pause now."""
    rows = Run.objects.filter(
        cadence=cadence, status=RunStatus.PAUSED, pause_reason=PauseReason.CADENCE
    )
    return rows.update(
        resume_at=Now(), row_version=F("row_version") + 1, updated_at=Now()
    )
