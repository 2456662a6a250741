"""Job types of every temper, and schedules that keep them coming."""

import time
from datetime import timedelta

from pydantic import BaseModel, Field

from cadences.models import Conversation, Message
from config.demo.stores import sync_stores
from config.demo.sweep import sweep
from queues.handlers import handler
from queues.outcomes import Retry, Snooze
from queues.running import RunningJob
from queues.schedule import starter

STEP_SECONDS = 0.2
"""Nothing here holds a worker for long: real work has its turn within a second."""
POISON_EVERY = 20


class Receipt(BaseModel):
    """Which order to confirm."""

    order: int = Field(1000, ge=1)


@handler("demo-send-receipt", timeout=30)
def send_receipt(data: Receipt, job: RunningJob) -> dict[str, object]:
    """Send the receipt of an order; works every time."""
    time.sleep(STEP_SECONDS)
    job.log("sent", order=data.order)
    return {"order": data.order, "sentTo": "customer@example.com"}


class Picture(BaseModel):
    """What to make smaller."""

    name: str = "harbour.jpg"
    sizes: int = Field(6, ge=1, le=20)


@handler("demo-resize-picture", timeout=60)
def resize_picture(data: Picture, job: RunningJob) -> dict[str, object]:
    """Make a picture smaller, size by size; shows its progress."""
    for size in range(data.sizes):
        if job.cancelled():
            break
        job.progress(size, data.sizes, data.name)
        time.sleep(STEP_SECONDS)
    job.progress(data.sizes, data.sizes, data.name)
    return {"picture": data.name, "sizes": data.sizes}


@handler("demo-flaky-webhook", timeout=30)
def flaky_webhook(data: dict[str, object], job: RunningJob) -> str | Retry:
    """Tell another system; it hangs up every other time, and the next try gets through."""
    if (job.id + job.attempt) % 2:
        return Retry(error="The other side hung up")
    return "delivered"


@handler("demo-broken-report", max_attempts=2, timeout=30)
def broken_report(data: dict[str, object], job: RunningJob) -> None:
    """Add up a report whose figures are missing; always ends as a dead letter."""
    figures: dict[str, int] = {"january": 31}
    job.log("adding up", months=len(figures))
    raise LookupError(f"No figures for february, only for {', '.join(figures)}")


class Export(BaseModel):
    """How much to write."""

    pages: int = Field(10, ge=1, le=100)


@handler("demo-slow-export", timeout=60)
def slow_export(data: Export, job: RunningJob) -> dict[str, object] | Snooze:
    """Write a long export page by page; rests between pages, goes on after a crash."""
    done = job.checkpoint if isinstance(job.checkpoint, int) else 0
    time.sleep(STEP_SECONDS)
    done += 1
    job.save_checkpoint(done)
    job.progress(done, data.pages, "pages")
    return {"pages": done} if done >= data.pages else Snooze(2)


@handler("demo-incoming", timeout=30)
def incoming(data: dict[str, object], job: RunningJob) -> dict[str, object]:
    """Receive messages from customers; one delivery in twenty cannot be read."""
    talk, _ = Conversation.objects.get_or_create(
        external_id=f"demo-{job.id % 3 + 1}", defaults={"phone": "+5511900000000"}
    )
    Message.objects.create(conversation=talk, body="Is my order on its way?")
    broken = job.id % POISON_EVERY == 0
    if broken:
        Message.objects.create(channel=Message.Channel.WEBHOOK, body='{"event": ')
    return {"messages": 1 + broken}


@handler("demo-sweep", timeout=60)
def sweep_demo(data: dict[str, object], job: RunningJob) -> dict[str, int]:
    """Delete what the demo left more than a day ago."""
    return {"deleted": sweep(timedelta(days=1))}


@handler("demo-sync-stores", timeout=60)
def sync_demo_stores(data: dict[str, object], job: RunningJob) -> dict[str, int]:
    """Ask for the numbers of the demo's stores; two of them cannot have them."""
    return {"stores": sync_stores()}


starter("Demo: receipts", type="demo-send-receipt", every=timedelta(seconds=10))
starter("Demo: webhook", type="demo-flaky-webhook", every=timedelta(seconds=20))
starter(
    "Demo: pictures",
    type="demo-resize-picture",
    every=timedelta(seconds=30),
    priority=7,
)
starter("Demo: messages", type="demo-incoming", every=timedelta(minutes=1))
starter("Demo: export", type="demo-slow-export", cron="*/2 * * * *", priority=8)
starter("Demo: report", type="demo-broken-report", cron="*/10 * * * *")
starter("Demo: stores", type="demo-sync-stores", every=timedelta(minutes=5))
starter("Demo: sweep", type="demo-sweep", cron="17 * * * *", priority=9)
