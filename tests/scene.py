"""An invented house with a bit of everything, for walks through the console.

The jobs run through the engine; only what takes days to come about (the figures of
the charts) is written as rows.
"""

import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import Group, User
from django.utils import timezone

from queues.alerts.rules import install_rules
from queues.alerts.watch import watch
from queues.batches import Batch
from queues.cancel import cancel
from queues.claim import claim
from queues.enqueue import enqueue, enqueue_many
from queues.fire import Memory, fire
from queues.histogram import BUCKETS, EDGES
from queues.models import AlertRule, CronLog, JobMinute, LimitRow, Worker
from queues.presence import present
from queues.schedule import schedule
from queues.tokens import issue_token
from queues.work import run_due

HOUR = timedelta(hours=1)
AHEAD = timedelta(minutes=15)
"""The charts are whole for so long after the figures were written."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Which job types play: one that works, one that fails, one that fails at first."""

    good: str
    bad: str
    flaky: str
    good_data: dict[str, object]


SHOP = Cast("send-receipt", "fail", "fail-slowly", {"order_id": 1001})
DEMO = Cast(
    "demo-send-receipt", "demo-broken-report", "demo-flaky-webhook", {"order": 1001}
)


def furnish(owner: User, cast: Cast = SHOP) -> None:
    """Write one of everything that the console shows."""
    _people(owner)
    _processes()
    _schedules(cast)
    _jobs(cast)
    _alerts()
    Worker.objects.exclude(machine="invented").update(
        name="worker-1:2", seen_at=timezone.now() + HOUR
    )
    LimitRow.objects.update_or_create(name="shop-sync", defaults={"running": 3})


def _people(owner: User) -> None:
    Group.objects.get_or_create(name="Night shift")
    User.objects.get_or_create(username="ana", defaults={"is_staff": True})
    issue_token(owner, "billing", timezone.now() + timedelta(days=90))


def _processes() -> None:
    now = timezone.now()
    for kind, name, queues in (
        ("node", "worker-1", "default,reports"),
        ("child", "worker-1:1", ""),
        ("beat", "beat-1", ""),
    ):
        Worker.objects.create(
            kind=kind, name=name, queues=queues, machine="invented", pid=1, born="1",
            started_at=now - 7 * HOUR, seen_at=now + HOUR,
        )  # fmt: skip


def _alerts() -> None:
    install_rules()
    AlertRule.objects.filter(code="dead-letters").update(threshold=0)
    watch()


def _schedules(cast: Cast) -> None:
    every = timedelta(seconds=1)
    schedule("Receipts, as they come", type=cast.good, data=cast.good_data, every=every)
    schedule(
        "Report of the night", type=cast.bad, cron="30 3 * * 1-5",
        timezone="America/Sao_Paulo", priority=7,
    )  # fmt: skip
    schedule("Old webhook", type=cast.flaky, cron="0 * * * *", enabled=False)
    _fire_once()
    later = timedelta(minutes=5)
    schedule("Receipts, as they come", type=cast.good, data=cast.good_data, every=later)


def _fire_once() -> None:
    """Let a second pass by the clock of the database, then fire what is due."""
    memory = Memory()
    give_up_at = time.monotonic() + 10
    while not CronLog.objects.exists() and time.monotonic() < give_up_at:
        fire(memory)
        time.sleep(0.2)


def _jobs(cast: Cast) -> None:
    enqueue_many(cast.good, [cast.good_data] * 6, source="demo")
    for _ in range(3):
        enqueue(cast.bad, max_attempts=1)
    enqueue(cast.flaky)
    run_due(limit=12, seconds=30)
    with Batch("Receipts of Friday"):
        enqueue_many(cast.good, [cast.good_data] * 4)
    enqueue(cast.good, cast.good_data, priority=2)
    claim(["default"], worker=present(Worker.Kind.CHILD), limit=1)
    enqueue(cast.good, cast.good_data, unique_key="order-1001", priority=1)
    enqueue(cast.good, cast.good_data, run_at=timezone.now() + 20 * HOUR)
    cancel(enqueue(cast.good, cast.good_data, priority=9).pk)


def remember(types: dict[str, tuple[float, float, float]], days: int = 30) -> None:
    """Write the figures of some weeks: by type, how many a minute, seconds, failures."""
    chance = random.Random(7)
    now = timezone.now().replace(second=0, microsecond=0)
    rows = [
        row
        for at, minutes in _moments(now, days)
        for type_, facts in types.items()
        for row in _figures(chance, at, minutes, type_, facts)
    ]
    JobMinute.objects.bulk_create(rows, batch_size=2000)


def _moments(now: datetime, days: int) -> Iterator[tuple[datetime, int]]:
    """Yield what is kept: hours, and the minutes of the last two days."""
    hour = now.replace(minute=0) - timedelta(days=days)
    while hour < now.replace(minute=0) - timedelta(days=2):
        yield hour, 60
        hour += HOUR
    while hour < now + AHEAD:
        yield hour, 1
        hour += timedelta(minutes=1)


def _figures(
    chance: random.Random,
    at: datetime,
    minutes: int,
    type_: str,
    facts: tuple[float, float, float],
) -> Iterator[JobMinute]:
    """Yield the ends of a moment: busy by day, quiet by night and at weekends."""
    rate, seconds, failing = facts
    day = 1.2 + math.sin((at.hour + at.minute / 60 - 9) * math.pi / 12)
    week = 0.5 if at.weekday() > 4 else 1.0
    count = round(rate * minutes * day * week * chance.uniform(0.8, 1.2))
    bad = sum(chance.random() < failing for _ in range(min(count, 200)))
    bad = round(bad * count / min(count, 200)) if count else 0
    wait = 0.03 * day * day * chance.uniform(0.7, 1.6)
    for outcome, number in (("completed", count - bad), ("failed", bad)):
        if number > 0:
            yield JobMinute(
                minute=at, type=type_, outcome=outcome, count=number,
                wait_seconds=wait * number, wait_max=wait * 4,
                wait_histogram=_spread(chance, wait, number), run_max=seconds * 3,
                run_seconds=seconds * number, run_histogram=_spread(chance, seconds, number),
            )  # fmt: skip


def _spread(chance: random.Random, seconds: float, count: int) -> list[int]:
    """Return a histogram around so many seconds."""
    found = [0] * BUCKETS
    drawn = min(count, 40)
    for _ in range(drawn):
        value = seconds * math.exp(chance.gauss(0, 0.6))
        found[sum(edge <= value for edge in EDGES)] += 1
    return [round(each * count / drawn) for each in found]
