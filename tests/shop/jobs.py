"""A team's own app, as the tests plug it in: handlers of every temper."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from datetime import date, timedelta
from typing import Any, Literal

from django.db import transaction
from pydantic import BaseModel, Field

from queues.handlers import handler
from queues.limits import Limit
from queues.outcomes import Bury, Retry, Snooze
from queues.running import RunningJob
from tests.shop.models import Entry

Data = dict[str, Any]


class Receipt(BaseModel):
    """What send-receipt needs."""

    order_id: int
    copies: int = 1


class Campaign(BaseModel):
    """What send-campaign needs: a property of every kind."""

    title: str = Field(max_length=80, description="As customers see it.")
    text: str = Field("", max_length=5000)
    first_day: date
    channel: Literal["sms", "email"] = "sms"
    most_messages: int = Field(500, ge=1, le=1000)
    share: float | None = Field(None, gt=0, le=1)
    is_rehearsal: bool = False
    stores: list[int] = []
    weekdays: list[Literal["mon", "tue"]] = []
    api_token: str | None = None
    prices: dict[str, int] = {}


def note(job: RunningJob, event: str) -> None:
    """Write to the ledger."""
    Entry.objects.create(job_id=job.id, event=event, pid=os.getpid())


@handler("noop")
def noop(data: Data, job: RunningJob) -> None:
    """Do nothing."""


@handler("send-receipt", max_attempts=5, timeout=30)
def send_receipt(data: Receipt, job: RunningJob) -> Data:
    """Send the receipt of an order."""
    job.log("sent", order_id=data.order_id)
    return {"order_id": data.order_id, "copies": data.copies, "attempt": job.attempt}


@handler("send-campaign", queue="reports", max_attempts=4, timeout=120)
def send_campaign(data: Campaign, job: RunningJob) -> Data:
    """Send a campaign to everyone who is due today.

    Stops by itself after the most messages of a day.
    """
    return data.model_dump(mode="json")


@handler("ledger", queue="default")
def ledger(data: Data, job: RunningJob) -> Data:
    """Start, take a while, end; both moments stand in the ledger."""
    note(job, "start")
    time.sleep(data.get("seconds", 0))
    note(job, "end")
    return {"pid": os.getpid()}


@handler("fail", backoff=lambda failures: 0.0)
def fail(data: Data, job: RunningJob) -> None:
    """Fail, at once and always."""
    raise RuntimeError(data.get("message", "as asked"))


@handler("fail-slowly")
def fail_slowly(data: Data, job: RunningJob) -> None:
    """Fail with the default backoff."""
    raise RuntimeError("later again")


@handler("choose")
def choose(data: Data, job: RunningJob) -> object:  # noqa: C901, PLR0911, PLR0912
    """End as the data says."""
    match data["end"]:
        case "snooze":
            return Snooze(timedelta(seconds=data.get("seconds", 60)))
        case "retry":
            return Retry(after=data.get("seconds", 60))
        case "bury":
            return Bury("no use")
        case "object":
            return object()
        case "nul":
            return {"text": "a\x00b"}
        case "huge":
            return "x" * 300_000
        case "dirty":
            raise ValueError("a\x00b\ud800")
        case "broken-transaction":
            transaction.set_autocommit(False)
            return None
        case end:
            return end


@handler("overrun", timeout=0.3, max_attempts=1)
def overrun(data: Data, job: RunningJob) -> None:
    """Stay longer than allowed."""
    time.sleep(5)


@handler("stubborn", timeout=0.3, hard_timeout=2, max_attempts=1)
def stubborn(data: Data, job: RunningJob) -> None:
    """Stay longer than allowed and swallow the soft timeout."""
    note(job, "start")
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(Exception):  # what a bad handler does
            time.sleep(1)


@handler("async-echo", timeout=0.3)
async def async_echo(data: Data, job: RunningJob) -> Data:
    """Wait without blocking, then answer."""
    await asyncio.sleep(data.get("seconds", 0))
    return data


@handler("step")
def step(data: Data, job: RunningJob) -> Data:
    """Go step by step, saving each; die where the data says, once."""
    done = int(job.checkpoint or 0)  # type: ignore[call-overload]
    for each in range(done, data["steps"]):
        if each == data.get("die_at") and job.attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        job.save_checkpoint(each + 1)
        job.progress(each + 1, data["steps"], "steps")
    return {"resumed_at": done}


@handler("patient", timeout=60)
def patient(data: Data, job: RunningJob) -> str:
    """Wait until told to stop."""
    note(job, "start")
    for _ in range(200):
        if job.cancelled():
            note(job, "told")
            return "stopped half-way"
        time.sleep(0.1)
    return "never told"


@handler("poison", max_attempts=2, backoff=lambda failures: 0.0)
def poison(data: Data, job: RunningJob) -> None:
    """Kill the process."""
    note(job, "start")
    os.kill(os.getpid(), signal.SIGKILL)


@handler("reports-queue", queue="reports")
def reports_queue(data: Data, job: RunningJob) -> None:
    """Belong to a queue of its own."""


@handler(
    "seat",
    limit=Limit("hall", running=3),
    key=lambda data: data["seat"],
    exclusive=True,
)
def seat(data: Data, job: RunningJob) -> None:
    """Sit for a while: three seats are taken at most, each by one."""
    note(job, "start")
    time.sleep(data.get("seconds", 0))
    note(job, "end")


@handler("turnstile", limit=Limit("turnstile", running=1), key="tenant")
def turnstile(data: Data, job: RunningJob) -> None:
    """Let one through at a time, whoever's it is."""


@handler("metered", limit=Limit("metered", rate=10, period=1.5))
def metered(data: Data, job: RunningJob) -> None:
    """Start ten times in any second and a half."""
