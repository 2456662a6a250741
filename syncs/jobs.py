"""The jobs of this app: read the data, make one call, phrase the end."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict

from queues.handlers import handler
from queues.limits import Limit
from queues.outcomes import Bury, Retry, Snooze
from queues.running import RunningJob
from queues.schedule import starter
from syncs.deliveries import JOB, apply
from syncs.errors import ProviderError, Wait
from syncs.judge import Verdict, judge
from syncs.segments import jobs as segments
from syncs.tick import tick
from syncs.work import SLICE, work

__all__ = ["segments"]

ONE_CALL = 60.0
"""Seconds that a page may take beyond the slice it was begun in."""
HELD = 60.0

SYNC = Limit("sync", running=3)
"""Three at once, over all workers; staff change the number while syncs run."""


class SyncStore(BaseModel):
    """Whose numbers, and which run of them: the key that requests share."""

    model_config = ConfigDict(extra="allow")

    store: str
    key: str


# Failures are counted on the run, which knows progress; the engine counts the deaths.
@handler(
    "sync-store",
    timeout=SLICE + ONE_CALL,
    hard_timeout=SLICE + ONE_CALL + HELD,
    max_attempts=10,
    ease=0,
    limit=SYNC,
    key="store",
    exclusive=True,
)
def sync_store(data: SyncStore, job: RunningJob) -> object:
    """Bring the numbers of a store up to date; one at a time for each store."""
    return work(data.key, job)


@handler("sync-worker", timeout=30, max_attempts=1)
def sync_worker(data: dict[str, object], job: RunningJob) -> dict[str, int]:
    """Look after the queue of syncs: free what is stuck, and let nobody wait for ever."""
    done = tick()
    return {"claimed": done.claimed, "processing": done.processing, "reset": done.reset}


class Deliveries(BaseModel):
    """Whose deliveries."""

    connection: str


@handler(JOB, timeout=ONE_CALL * 2)
def shopify_webhooks(data: Deliveries, job: RunningJob) -> object:
    """Read anew what a shop said has changed; what is older than known changes nothing."""
    try:
        return {"applied": apply(data.connection)}
    except Wait as wait:
        return Snooze(wait.until)
    except ProviderError as error:
        if judge(error) is Verdict.RETRY:
            return Retry(error=str(error))
        return Bury(str(error))


starter(
    "sync-worker-every-10s", every=timedelta(seconds=10), type="sync-worker", priority=2
)
