"""The handlers of the chaos run: each start and end stands in the ledger."""

import os
import signal
import time
from typing import Any

from queues.handlers import handler
from queues.running import RunningJob
from tests.shop.jobs import note

Data = dict[str, Any]

STEP, TICK, POISON = "chaos-step", "chaos-tick", "chaos-poison"
DEATHS = 3
"""Processes that a poison pill takes with it."""


def soon(failures: int) -> float:
    """Wait hardly at all: with no easing either, a recovery shows the engine alone."""
    return 0.2


@handler(STEP, max_attempts=50, ease=0, backoff=soon)
def step(data: Data, job: RunningJob) -> None:
    """Take a while."""
    note(job, "start")
    time.sleep(data.get("seconds", 0))
    note(job, "end")


@handler(TICK, max_attempts=50, ease=0, backoff=soon)
def tick(data: Data, job: RunningJob) -> None:
    """Do what a schedule asks for: leave a trace."""
    note(job, "start")
    note(job, "end")


@handler(POISON, max_attempts=DEATHS, backoff=soon)
def poison(data: Data, job: RunningJob) -> None:
    """Kill the process."""
    note(job, "start")
    os.kill(os.getpid(), signal.SIGKILL)
