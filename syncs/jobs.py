"""The jobs of this app: read the data, make one call, phrase the end."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from queues.handlers import handler
from queues.limits import Limit
from queues.outcomes import Bury, Retry, Snooze
from queues.running import RunningJob
from queues.schedule import starter
from syncs import watched  # noqa: F401 - it registers its measures and rules
from syncs.deliveries import JOB, apply
from syncs.errors import ProviderError, Wait
from syncs.everyone import request_all
from syncs.judge import Verdict, judge
from syncs.prune import prune
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


@handler("sync-prune", timeout=900)
def sync_prune(data: dict[str, object], job: RunningJob) -> dict[str, int]:
    """Delete syncs, events and numbers that are past their time."""
    return prune()


class SyncAllStores(BaseModel):
    """How many days of every store, and over how long the starts are spread."""

    days: int = Field(30, ge=1, le=366)
    spread_minutes: int = Field(45, ge=0, le=24 * 60)
    skip_hours: float = Field(1, ge=0)
    """A store that was synced so recently is left out, as in the seed."""


@handler("sync-all-stores", timeout=300)
def sync_all_stores(data: SyncAllStores, job: RunningJob) -> dict[str, int]:
    """Ask for the last days of every store, spread over a while."""
    asked = request_all(
        days=data.days, spread=data.spread_minutes * 60, skip=data.skip_hours * 3600
    )
    return {"requested": asked}


starter("sync-prune-daily", cron="40 3 * * *", type="sync-prune", priority=9)
starter(
    "sync-worker-every-10s", every=timedelta(seconds=10), type="sync-worker", priority=2
)
