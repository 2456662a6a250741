"""The handlers of the chaos run: each start and end stands in the ledger."""

import os
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine

from queues.handlers import handler
from queues.limits import Limit
from queues.running import RunningJob
from tests.shop.jobs import note

Data = dict[str, Any]

STEP, TICK, POISON = "chaos-step", "chaos-tick", "chaos-poison"
SEAT, STORM = "chaos-seat", "chaos-storm"
DEATHS = 3
"""Processes that a poison pill takes with it."""
SEATS = 3
"""Jobs of SEAT that may run at once, each of another key."""
STORMS = 2
"""Tries of STORM that fail, as planned."""
SKEW = "CHAOS_SKEW"
"""The seconds by which the clock of a process is wrong."""

if seconds := os.environ.get(SKEW):
    # From here on, and in every process of the pool: this module loads before the fork.
    wrong = datetime.now(UTC) + timedelta(seconds=float(seconds))
    time_machine.travel(wrong, tick=True).start()


class Planned(Exception):
    """A failure that belongs to the storm."""


def soon(failures: int) -> float:
    """Wait hardly at all: with no easing either, a recovery shows the engine alone."""
    return 0.2


@handler(STEP, max_attempts=50, ease=0, backoff=soon)
def step(data: Data, job: RunningJob) -> None:
    """Take a while."""
    note(job, "start")
    time.sleep(data.get("seconds", 0))
    note(job, "end")


@handler(
    SEAT,
    max_attempts=50,
    ease=0,
    backoff=soon,
    limit=Limit(SEAT, running=SEATS),
    key="seat",
    exclusive=True,
)
def seat(data: Data, job: RunningJob) -> None:
    """Take a while on a seat of which there are few."""
    step(data, job)


@handler(STORM, max_attempts=50, ease=0, backoff=soon)
def storm(data: Data, job: RunningJob) -> None:
    """Fail a few times, then not."""
    note(job, "start")
    note(job, "end")
    if job.attempt <= STORMS:
        raise Planned


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
