"""What people are told of about cadences: doubts, delays, and leads who say no."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from cadences import clock
from cadences.models import Run
from cadences.states import RunStatus
from queues.alerts.measures import Reading, measure
from queues.alerts.rules import starter_rule
from queues.ask import ask

DAY = 86_400
NEWEST = 20_000
"""Events that are looked at for a rate: the newest of them."""

UNKNOWN = "SELECT count(*) FROM lead_step_executions WHERE state = 'unknown'"
OPT_OUTS = f"""
SELECT cadence.code, count(*) FILTER (WHERE event.type = 'OPT_OUT') * 100.0
           / nullif(count(*) FILTER (WHERE event.type = 'DISPARADO'), 0),
       count(*) FILTER (WHERE event.type = 'DISPARADO')
FROM (SELECT * FROM lead_cadence_events ORDER BY id DESC LIMIT {NEWEST}) AS event
JOIN lead_cadence_runs AS run ON run.id = event.run_id
JOIN cadences AS cadence ON cadence.id = run.cadence_id
WHERE event.created_at >= %s - %s AND event.type IN ('OPT_OUT', 'DISPARADO')
GROUP BY cadence.code
"""  # noqa: S608 - a number of ours


@measure("cadence-unknown", _("sends whose outcome nobody knows"))
def unknown(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell how many executions wait for evidence or a person."""
    ((count,),) = ask(UNKNOWN)
    yield Reading(count)


@measure("cadence-overdue", _("age of the oldest due run"), unit="s")
def overdue(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell for how long the oldest due run waits."""
    active = Run.objects.filter(status=RunStatus.ACTIVE)
    oldest = (
        active.order_by("next_run_at").values_list("next_run_at", flat=True).first()
    )
    at = clock.now()
    yield Reading(max(0.0, (at - (oldest or at)).total_seconds()))


@measure("opt-out-rate", _("opt-outs of the messages sent"), unit="%")
def opt_outs(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell the share of each cadence's messages that were answered with an opt-out."""
    for code, share, count in ask(OPT_OUTS, now, window):
        yield Reading(float(share or 0), code, int(count), label=code)


starter_rule("cadence-unknown", measure="cadence-unknown", threshold=5)
# Two ticks of the schedule that did not come.
starter_rule("cadence-overdue", measure="cadence-overdue", threshold=600)
starter_rule(
    "opt-out-rate", measure="opt-out-rate", threshold=5, min_sample=50,
    critical_threshold=15, window_seconds=DAY,
)  # fmt: skip
