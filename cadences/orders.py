"""The jobs that carry out what staff order over many rows."""

import time
from typing import Any

from pydantic import BaseModel

from cadences.bar import SUPPRESS, suppress_hashes
from cadences.bulk import BULK, Tally, go_on
from cadences.selection import Runs
from queues.handlers import handler
from queues.outcomes import Snooze
from queues.running import RunningJob

TURN = 240.0
"""Seconds after which an order lets others have the worker for a moment."""


class Order(BaseModel):
    """Which verb, over which runs, in whose name, and what else was answered."""

    verb: str
    selection: dict[str, str]
    actor: str
    total: int = 0
    answers: dict[str, str] = {}


@handler(BULK, timeout=TURN + 60, max_attempts=10)
def carry_out(data: Order, job: RunningJob) -> dict[str, Any] | Snooze:
    """Do one thing to many runs, page by page; what was done is never done twice."""
    tally, until = Tally.of(job.checkpoint), time.monotonic() + TURN
    selection = Runs.read(data.selection)
    turns = go_on(data.verb, selection, tally, actor=data.actor, **data.answers)
    for _ in turns:
        job.save_checkpoint(tally.told())
        ended = tally.done + tally.refused.total()
        job.progress(ended, max(data.total, ended), data.verb)
        if job.cancelled():
            break
        if time.monotonic() > until:
            return Snooze(0)
    return {"done": tally.done, "refused": dict(tally.refused)}


class List(BaseModel):
    """Some hashes of addresses, and what holds for all of them."""

    hashes: list[str]
    company: str | None = None
    reason: str
    source: str = ""


@handler(SUPPRESS, timeout=60, max_attempts=10)
def suppress_list(data: List, job: RunningJob) -> dict[str, int]:
    """Suppress addresses that are told by their hashes."""
    return {"added": suppress_hashes(**data.model_dump())}
