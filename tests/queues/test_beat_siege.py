"""Beats under siege: one SIGKILLed again and again, their clocks wrong, nothing lost.

`SIEGE_SECONDS=300 SIEGE_KILL_EVERY=20 python -m pytest tests/queues/test_beat_siege.py
-k killed --timeout 0` is the long form.
"""

import os
import signal
import sys
import time
from contextlib import ExitStack
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db.models import Count, F

from queues.models import CronLog, Job
from queues.schedule import schedule
from tests.processes import beat, running, until

pytestmark = pytest.mark.django_db(transaction=True)

SIEGE = float(os.environ.get("SIEGE_SECONDS", "6"))
KILL_EVERY = float(os.environ.get("SIEGE_KILL_EVERY", "3"))
PERIODS = {"every-1s": 1, "every-3s": 3}


def declare() -> None:
    """Write schedules of which no due time may be missing."""
    for name, seconds in PERIODS.items():
        every = timedelta(seconds=seconds)
        schedule(name, type="noop", every=every, misfire="all")


def judge() -> dict[str, int]:
    """Return how often each schedule fired, once it is sure that none is missing."""
    counts = {}
    for name, seconds in PERIODS.items():
        logs = CronLog.objects.filter(job_name=name).order_by("due_at")
        times = list(logs.values_list("due_at", flat=True))
        gaps = {later - time for time, later in pairwise(times)}
        assert gaps <= {timedelta(seconds=seconds)}, gaps
        assert not logs.exclude(status="running")
        counts[name] = len(times)
    shared = Job.objects.annotate(firings=Count("cron_logs")).exclude(firings=1)
    assert not shared
    assert Job.objects.count() == sum(counts.values())
    return counts


@pytest.mark.parametrize("beats", [2, 3])
def test_beats_one_of_which_is_killed_fire_each_due_time_once(beats):
    declare()
    with ExitStack() as stack:
        alive = [stack.enter_context(beat()) for _ in range(beats)]
        until(CronLog.objects.exists)
        ends, kills = time.monotonic() + SIEGE, 0
        while time.monotonic() < ends:
            time.sleep(min(KILL_EVERY, max(0.0, ends - time.monotonic())))
            alive.pop(0).send(signal.SIGKILL)
            alive.append(stack.enter_context(beat()))
            kills += 1
        done = CronLog.objects.count()
        until(lambda: CronLog.objects.count() >= done + 3)

    counts = judge()
    late = CronLog.objects.exclude(created_at__lt=F("due_at") + timedelta(seconds=2))
    print(
        f"{beats} beats, {kills} killed, fired {counts}, {late.count()} later than 2 s"
    )
    assert counts["every-1s"] >= SIEGE - 2


def test_all_beats_killed_at_once_lose_nothing_that_is_made_up_for():
    declare()
    with beat() as first, beat() as second:
        until(lambda: CronLog.objects.count() >= 3)
        first.send(signal.SIGKILL)
        second.send(signal.SIGKILL)
    time.sleep(2.5)

    with beat():
        before = CronLog.objects.count()
        until(lambda: CronLog.objects.count() >= before + 5)

    judge()


def test_a_clock_that_is_wrong_on_the_host_of_a_beat_does_not_matter():
    declare()
    with ExitStack() as stack:
        for seconds in ("10800", "-10800"):
            command = [sys.executable, "-m", "tests.skewed", seconds]
            options = ("-A", "config", "beat")
            process = stack.enter_context(
                running([*command, *options], RITMO_PROCESS="beat")
            )
            process.wait_for("beat: Starting")
        until(lambda: CronLog.objects.filter(job_name="every-1s").count() >= 6)
        assert "Traceback" not in process.output

    judge()
    off = CronLog.objects.exclude(due_at__range=(F("created_at") - timedelta(minutes=1), F("created_at")))  # fmt: skip
    assert not off.exists()
