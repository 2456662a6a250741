"""How a schedule stands: active, paused, ended or broken, and whether it is late."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from queues.admin.faults import cron_fault, data_faults
from queues.due import next_after
from queues.errors import InvalidJobData, InvalidSchedule, PayloadTooLarge, QueueError
from queues.handlers import registry
from queues.payload import encode
from queues.schedule_rows import Row

LATE = timedelta(seconds=10)
"""Beat looks every second: whoever is due for longer waits for something."""
WORDS = {
    "active": gettext_lazy("active"),
    "paused": gettext_lazy("paused"),
    "ended": gettext_lazy("over"),
    "broken": gettext_lazy("broken"),
    "late": gettext_lazy("late"),
}
TONES = {
    "active": "good", "paused": "mute", "ended": "mute", "broken": "bad",
    "late": "warn",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a schedule, why it is so, and its next run."""

    state: str
    why: str = ""
    next_run: datetime | None = None
    due: datetime | None = None
    """Since when it is due, if it is late."""


def standing(row: Row, now: datetime) -> Standing:
    """Return how a schedule stands at that moment."""
    if not row.enabled:
        over = row.one_off and row.last_run_at is not None
        return Standing("ended" if over else "paused")
    if fault := fault_of(row):
        return Standing("broken", fault)
    plan = row.plan()
    next_run = next_after(plan, now)
    # Counted from before its last run, a schedule that waits has a due time behind it.
    due = next_after(plan, row.counted_from or max(row.changed_at, now - LATE))
    if due is not None and due < now - LATE and row.is_noticed:
        return Standing("late", next_run=next_run, due=due)
    return Standing("ended" if next_run is None else "active", next_run=next_run)


def fault_of(row: Row) -> str:
    """Return why a schedule can fire no job, in the language of the reader, or ""."""
    try:
        next_after(row.plan(), row.changed_at)
    except InvalidSchedule as error:
        line = " ".join(part.replace(" ", "") for part in (row.cron or ())[:5])
        return (cron_fault(line) if line else "") or str(error)
    if row.args.strip() not in {"", "[]"}:
        return _("Positional arguments are not supported: use the payload.")
    return payload_fault(row.type, row.kwargs or "{}")


def payload_fault(type_: str, text: str) -> str:
    """Return why a type would refuse that payload, in the language of the reader."""
    try:
        encode(registry.get(type_), json.loads(text))
    except InvalidJobData as error:
        return " · ".join(data_faults(error))
    except (json.JSONDecodeError, RecursionError):
        return _("The payload is not JSON.")
    except PayloadTooLarge:
        return _("This is larger than a payload may be.")
    except QueueError:
        return _("Unknown job type: %(value)s") % {"value": type_}
    return ""
