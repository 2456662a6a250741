"""The jobs of segments: read the data, make one call, phrase the end."""

import logging
from contextlib import suppress
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from queues.handlers import handler
from queues.limits import Limit
from queues.outcomes import Bury, Retry, Snooze
from queues.running import RunningJob
from queues.schedule import starter
from syncs.errors import (
    AccessRefused,
    ContractBroken,
    Misconfigured,
    ProviderError,
    Wait,
)
from syncs.models import SegmentControl, SegmentLog, SegmentPass, Trigger
from syncs.segments import watched  # noqa: F401 - it registers measures and rules
from syncs.segments.conclude import End
from syncs.segments.enrol import enrol
from syncs.segments.errors import Ghost, UnknownSegment
from syncs.segments.fence import Hold, holding, take_up
from syncs.segments.fire import fire
from syncs.segments.hint import apply_hint
from syncs.segments.pull import Turn, begin, give_up, pull
from syncs.segments.read import Unreadable
from syncs.segments.start import adopt, controls_of, start

logger = logging.getLogger(__name__)

TRIES = 3
AT_ONCE = 3
DAY = timedelta(days=1)
GOES_ON = 30.0
"""Seconds before a try that starts further on than the one before."""


class SyncSegmentLeads(BaseModel):
    """Which segment; without one, all that are due."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="allow",
        validate_by_name=True, validate_by_alias=True,
    )  # fmt: skip

    segment_id: int | None = Field(None, ge=1)
    control: int | None = None
    trigger: Trigger = Trigger.API


def _key(data: SyncSegmentLeads) -> str:
    if data.control is not None:
        return str(data.control)
    return "" if data.segment_id is None else f"segment {data.segment_id}"


@handler(
    "sync-segment-leads", max_attempts=TRIES, max_age=DAY, key=_key, exclusive=True,
    limit=Limit("sync-segment-leads", running=AT_ONCE),
)  # fmt: skip
def sync_segment_leads(
    data: SyncSegmentLeads, job: RunningJob
) -> dict[str, object] | Bury | Retry | Snooze:
    """Pull the leads of a segment over; without a segment, start all that are due."""
    if data.segment_id is None and data.control is None:
        return {"started": fire()}
    try:
        control_id = _control(data)
    except UnknownSegment as error:
        return Bury(str(error))
    if control_id is None:
        return _start_all(data)
    sync = adopt(control_id, job.id, trigger=data.trigger)
    if sync is None:
        return {"joined": True}
    return _run(sync, job)


@handler("sync-segments-due", max_attempts=TRIES, max_age=timedelta(minutes=10))
def sync_segments_due(data: dict[str, object], job: RunningJob) -> dict[str, object]:
    """Start the segments that are due, and end the syncs whose job is gone."""
    return {"started": fire()}


class EnrollLeads(BaseModel):
    """Events that the rules have not looked at yet."""

    events: list[int]


@handler("enroll-leads", max_attempts=5)
def enroll_leads(data: EnrollLeads, job: RunningJob) -> dict[str, int]:
    """Put leads into the cadences that rules name, each once for what happened."""
    return enrol(data.events)


class ApplyLeadHint(BaseModel):
    """A hint that was kept."""

    hint: int


@handler("apply-lead-hint", max_attempts=5, max_age=DAY)
def apply_lead_hint(
    data: ApplyLeadHint, job: RunningJob
) -> dict[str, str] | Bury | Retry | Snooze:
    """Fetch the lead that a webhook told of, and write it."""
    try:
        return {"result": apply_hint(data.hint)}
    except Wait as error:
        return Snooze(error.until)
    except (AccessRefused, Misconfigured) as error:
        return Bury(str(error))
    except ProviderError as error:
        return Retry(error=f"{error.endpoint}: {error}")
    except Unreadable as error:
        return Bury(f"The lead cannot be read: {error}")


def _control(data: SyncSegmentLeads) -> int | None:
    """Return the one segment that is meant, or None if two accounts share its number."""
    if data.control is not None:
        found = SegmentControl.objects.filter(pk=data.control).first()
        if found is None:
            raise UnknownSegment(data.segment_id or 0)
        return found.pk
    controls = controls_of(data.segment_id or 0)
    return controls[0].pk if len(controls) == 1 else None


def _start_all(data: SyncSegmentLeads) -> dict[str, object]:
    controls = controls_of(data.segment_id or 0)
    started = [start(each, trigger=data.trigger) for each in controls]
    return {"started": len(started)}


def _run(
    sync: SegmentPass, job: RunningJob
) -> dict[str, object] | Bury | Retry | Snooze:
    """Pull for one turn, and say what an error means for the job."""
    turn: Turn | None = None
    try:
        turn = begin(sync, job)
        log = pull(turn)
    except Ghost:
        return Retry(error="Another process has taken up this sync")
    except ProviderError as error:
        return _mean(error, sync, turn, job)
    return Snooze(0) if log is None else told(log)


def _mean(
    error: ProviderError, sync: SegmentPass, turn: Turn | None, job: RunningJob
) -> Bury | Retry | Snooze:
    match error:
        case Wait():
            _wait(sync, turn, error)
            return Snooze(error.until)
        case AccessRefused() | Misconfigured():
            return _end(turn.hold if turn else take_up(sync), error, is_fatal=True)
        case _:
            return _again(turn, job, error)


def told(log: SegmentLog) -> dict[str, object]:
    """Return what is said of a sync that has ended."""
    return {
        "segment_id": log.segment_id, "status": str(log.status),
        "message": log.message, "stats": log.stats,
    }  # fmt: skip


def _wait(sync: SegmentPass, turn: Turn | None, error: Wait) -> None:
    until = error.until.isoformat()
    logger.info("segment waits", extra={"sync": sync.pk, "until": until})
    if turn is None:
        return
    # Whoever has taken the sync up meanwhile counts its own waits.
    with suppress(Ghost), holding(turn.hold) as held:
        held.stats["waits"] = held.stats.get("waits", 0) + 1
        held.save(update_fields=["stats"])


def _again(
    turn: Turn | None, job: RunningJob, error: ProviderError
) -> Bury | Retry | Snooze:
    """Try again: for nothing if this try got ahead, else as often as tries are left."""
    if turn is not None and turn.wrote:
        return Snooze(GOES_ON)
    tries = 2 if isinstance(error, ContractBroken) else TRIES
    if job.attempt < tries or turn is None:
        return Retry(error=f"{error.endpoint}: {error}")
    return _end(turn.hold, error)


def _end(hold: Hold, error: ProviderError, *, is_fatal: bool = False) -> Bury:
    kind = str(error.kind)
    said = f"{error.endpoint}: {error}" if error.endpoint else str(error)
    give_up(hold, End(SegmentLog.Status.ERROR, said, kind, is_fatal=is_fatal))
    return Bury(said)


starter(
    "sync-segments-daily", type="sync-segment-leads", cron="0 6 * * *",
)  # fmt: skip
starter("sync-segments-due", type="sync-segments-due", every=timedelta(seconds=30))
