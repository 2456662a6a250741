"""Write down what happens to a run, in its own words."""

from typing import Any

from cadences import clock
from cadences.models import Event, Run
from cadences.states import EventType


def tell(
    run: Run,
    type: EventType,  # noqa: A002 - the word of the row
    *,
    actor: str = "",
    position: int | None = None,
    template_code: str = "",
    **details: Any,
) -> Event:
    """Add an event to the run's story, in the caller's transaction."""
    return Event.objects.create(
        run=run,
        type=type,
        round=run.round,
        position=run.next_step if position is None else position,
        step_key=run.next_step_key,
        template_code=template_code,
        details={name: value for name, value in details.items() if value is not None},
        actor=actor,
        created_at=clock.now(),
    )


def tell_once(run: Run, type: EventType, *, reason: str, **details: Any) -> None:  # noqa: A002
    """Tell of a wait, unless the same wait of this step was told of already."""
    said = Event.objects.filter(
        run=run,
        type=type,
        round=run.round,
        position=run.next_step,
        details__reason=reason,
    )
    if not said.exists():
        tell(run, type, reason=reason, **details)
