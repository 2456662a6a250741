"""Write down what happens to a run, in its own words."""

from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from cadences import clock
from cadences.models import Event, Run
from cadences.rows import execute
from cadences.states import EventType

ADD = """
INSERT INTO lead_cadence_events
    (run_id, type, round, position, step_key, template_code, details, actor, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def tell(
    run: Run,
    type: EventType,  # noqa: A002 - the word of the row
    *,
    actor: str = "",
    position: int | None = None,
    template_code: str = "",
    moment: datetime | None = None,
    **details: Any,
) -> None:
    """Add an event to the run's story, in the caller's transaction; `moment` is now."""
    told = {name: value for name, value in details.items() if value is not None}
    values = [
        run.pk, str(type), run.round, run.next_step if position is None else position,
        run.next_step_key, template_code, Jsonb(told), actor, moment or clock.now(),
    ]  # fmt: skip
    execute(ADD, values)


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
