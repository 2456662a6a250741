"""The jobs of this app: read the data, make one call, phrase the end."""

import logging
import time
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from django.utils import timezone
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from cadences import (  # noqa: F401 - jobs that staff order; measures and rules
    orders,
    watched,
)
from cadences.channels.uazapi import uazapi
from cadences.cleanup import cleanup
from cadences.control import look_back, may_send
from cadences.drain import drain
from cadences.errors import (
    AccessRefused,
    NotConfigured,
    ProviderDown,
    RateLimited,
    RequestRefused,
)
from cadences.hands import deliver_all
from cadences.journal import close_log, open_log
from cadences.load import load
from cadences.mend import mend
from cadences.models import Account
from cadences.relocate import cadence_migrate  # noqa: F401 - a handler, too
from cadences.retention import tables
from cadences.runner import (
    CHUNK_SECONDS,
    MOST,
    close,
    hand_out,
    rehearse,
    wake_next,
)
from cadences.states import Trigger
from cadences.sync import Caught, accounts, configured, sync
from queues.handlers import handler
from queues.outcomes import Bury, Retry, Snooze
from queues.running import RunningJob
from queues.schedule import starter

logger = logging.getLogger(__name__)

HOUR = 3600.0


class Data(BaseModel):
    """Payloads are written as their callers always wrote them: camelCase, with extras."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="allow",
        serialize_by_alias=True,
        validate_by_name=True,
        validate_by_alias=True,
    )


class ProcessMessages(Data):
    """How many messages to take up, and from what age on one is late."""

    max_messages: int = Field(50, ge=1, le=1000)
    max_age_minutes: int | None = Field(None, ge=1, le=60 * 24 * 365)
    priority: str | None = None


@handler("process-messages")
def process_messages(data: ProcessMessages, job: RunningJob) -> dict[str, object]:
    """Process pending messages, oldest first; report those that waited too long."""

    def stop(done: int) -> bool:
        job.progress(done, data.max_messages)
        return job.cancelled()

    minutes = data.max_age_minutes
    max_age = None if minutes is None else timedelta(minutes=minutes)
    drained = drain(data.max_messages, max_age=max_age, stop=stop)
    job.progress(drained.found, drained.found)
    if drained.stale:
        logger.warning(
            "%s messages have waited for more than %s minutes, the oldest for %s s",
            drained.stale, minutes, drained.oldest_age,
        )  # fmt: skip
    return {
        "found": drained.found,
        "processed": drained.processed,
        "failed": drained.failed,
        "stale": drained.stale,
        "oldestAgeSeconds": drained.oldest_age,
        "errors": drained.errors,
    }


def _known(table: str) -> str:
    if table not in tables():
        allowed = ", ".join(sorted(tables()))
        raise ValueError(f"Unknown table: {table}. It may be one of: {allowed}")
    return table


class CleanupOldData(Data):
    """From what age on to delete, and in which tables."""

    older_than_days: int = Field(30, ge=1, le=3650)
    tables: list[Annotated[str, AfterValidator(_known)]]


@handler("cleanup-old-data", timeout=HOUR)
def cleanup_old_data(data: CleanupOldData, job: RunningJob) -> dict[str, object]:
    """Delete what is older than a number of days, from tables that allow it."""
    state = _resumed(job) or {
        # Fixed on the first try: a later one must not move the line.
        "olderThan": (
            timezone.now() - timedelta(days=data.older_than_days)
        ).isoformat(),
        "deleted": {},
    }
    older_than = datetime.fromisoformat(str(state["olderThan"]))
    deleted: dict[str, int] = state["deleted"]  # type: ignore[assignment]
    for table in tables():
        if table not in data.tables:
            continue
        deleted.setdefault(table, 0)
        for count in cleanup(table, older_than=older_than):
            deleted[table] += count
            job.progress(sum(deleted.values()), note=table)
            job.save_checkpoint(state)
            if job.cancelled():
                return state
    return state


def _resumed(job: RunningJob) -> dict[str, object] | None:
    return job.checkpoint if isinstance(job.checkpoint, dict) else None


class SyncUazapi(Data):
    """How much to look at: what is of late, or all there is."""

    sync_type: Literal["incremental", "full"] = "incremental"


@handler("sync-uazapi", timeout=600)
def sync_uazapi(
    data: SyncUazapi, job: RunningJob
) -> dict[str, object] | Bury | Retry | Snooze:
    """Catch up with the WhatsApp provider: instances, unknown sends, missed messages."""
    try:
        if found := accounts():
            return _catch_up(found, data, job)
        status = uazapi.status(configured())
    except (NotConfigured, AccessRefused, RequestRefused) as error:
        return Bury(str(error))
    except RateLimited as error:
        after = error.retry_after
        return Retry(error=str(error)) if after is None else Snooze(after)
    except ProviderDown as error:
        return Retry(error=str(error))
    if not status.connected:
        logger.warning("the instance %s is %s", status.name, status.state)
    return {
        "syncType": data.sync_type,
        "instance": status.name,
        "status": status.state,
        "connected": status.connected,
        "loggedIn": status.logged_in,
    }


def _catch_up(
    found: list[Account], data: SyncUazapi, job: RunningJob
) -> dict[str, object]:
    caught = Caught()
    for number, account in enumerate(found):
        job.progress(number, len(found), account.name)
        if job.cancelled():
            break
        sync(account, caught, whole=data.sync_type == "full")
    for line in caught.errors:
        logger.warning("%s", line)
    return {
        "syncType": data.sync_type,
        "instances": caught.instances,
        "settled": caught.settled,
        "unsettled": caught.unsettled,
        "received": caught.received,
        "checkedNumbers": caught.checked,
        "errors": caught.errors,
    }


class CadenceRunner(Data):
    """Who started the pass, and how many runs it may take."""

    trigger: Trigger = Trigger.CRON
    limit: int = Field(MOST, ge=1, le=100_000)


@handler("cadence-runner", timeout=240)
def cadence_runner(data: CadenceRunner, job: RunningJob) -> dict[str, object]:
    """Claim the cadence steps that are due, and hand them to all workers."""
    if data.trigger == Trigger.TEST:
        return rehearse(limit=data.limit).summary
    if not may_send():
        log = open_log(data.trigger)
        return {**close_log(log, []), "paused": True}
    log = open_log(data.trigger)
    try:
        claimed = hand_out(log, limit=data.limit)
    except Exception as error:
        close_log(log, [], error=f"{type(error).__name__}: {error}")
        raise
    return {"log_id": str(log.pk), "claimed": claimed}


class CadenceSteps(Data):
    """Runs that a pass has claimed, with the tokens of the claims."""

    log: str
    runs: list[tuple[UUID, UUID]]
    lost: list[dict[str, Any]] = []


@handler("cadence-steps", timeout=CHUNK_SECONDS + 60, max_attempts=5)
def cadence_steps(data: CadenceSteps, job: RunningJob) -> dict[str, object]:
    """Deliver the next step of each claimed run."""
    look_back()
    until = time.monotonic() + CHUNK_SECONDS
    return {"results": data.lost + deliver_all(data.runs, until=until)}


class RunnerClose(Data):
    """Which pass has ended, and the batch of its jobs."""

    log: str
    batch_id: int = Field(alias="batch_id")


@handler("cadence-runner-close")
def cadence_runner_close(data: RunnerClose, job: RunningJob) -> dict[str, object]:
    """Close the log of a pass whose jobs have all ended."""
    return close(data.log, data.batch_id)


class CadenceLoad(Data):
    """Which batch to load."""

    batch: UUID


@handler("cadence-load", timeout=HOUR, max_attempts=5)
def cadence_load(data: CadenceLoad, job: RunningJob) -> dict[str, object]:
    """Enrol the lines of a batch, each once, whatever dies on the way."""

    def tell(done: int, total: int) -> bool:
        job.progress(done, total)
        return job.cancelled()

    return {"batch": str(data.batch), "results": dict(load(data.batch, tell=tell))}


class CadenceMend(Data):
    """How many of each kind one round takes up."""

    limit: int = Field(200, ge=1, le=10_000)


@handler("cadence-mend", timeout=300)
def cadence_mend(data: CadenceMend, job: RunningJob) -> dict[str, object]:
    """Find out what became of sends that nobody knows of; resume what may go on."""
    told = mend(limit=data.limit)
    wake_next()
    return dict(told)


starter(
    "process-pending-messages",
    cron="*/5 * * * *",
    type="process-messages",
    data={"maxMessages": 50, "maxAgeMinutes": 5, "priority": "high"},
    priority=1,
)
starter(
    "cleanup-old-data",
    cron="0 2 * * *",
    type="cleanup-old-data",
    data={"olderThanDays": 30, "tables": ["messages", "conversations"]},
    priority=9,
)
starter("cadence-runner-cron", cron="*/5 * * * *", type="cadence-runner", priority=3)
starter("cadence-mend-every-minute", cron="* * * * *", type="cadence-mend", priority=3)
