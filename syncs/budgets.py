"""Spend no more calls than a provider allows, over all workers, by the database's clock.

`reserve` before a call, `settle` after it. The windows roll, so that whatever fits here
fits into the windows of the provider wherever they begin.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from syncs import clock
from syncs.errors import QuotaSpent, RateLimited, Wait
from syncs.models import Budget, Spending

logger = logging.getLogger(__name__)

IN_FLIGHT = timedelta(seconds=65)
"""After so long a call that was never settled has reached the provider or never will."""
PATIENCE = 2.0
"""Seconds that a client waits by itself; a longer wait is the job's."""
GLANCE = 0.1
BACKOFF = (30.0, 120.0, 480.0)
"""Seconds to wait where the provider refuses without saying how long."""
LONGEST = 36 * 3600.0
QUOTA_FROM = 15 * 60.0
"""A wait of more seconds is a spent quota: the other streams go on."""


@dataclass(frozen=True, slots=True)
class Key:
    """Whose limit it is."""

    provider: str
    account: str
    group: str

    def __str__(self) -> str:
        return f"{self.provider}:{self.group}"


@dataclass(frozen=True, slots=True)
class Window:
    """At most so many calls within any span of so many seconds."""

    most: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """What a bucket of points holds and regains a second, until the provider tells."""

    capacity: float
    restore: float


@dataclass(frozen=True, slots=True)
class Ticket:
    """A call that may be made now."""

    key: Key
    budget_id: int
    spending_id: int
    points: float


@contextmanager
def locked(key: Key) -> Iterator[tuple[Budget, datetime]]:
    """Hold a budget until the block ends; yield it and the moment."""
    with transaction.atomic():
        row = _row(key).select_for_update().first()
        if row is None:
            Budget.objects.bulk_create(
                [Budget(provider=key.provider, account=key.account, group=key.group)],
                ignore_conflicts=True,
            )
            row = _row(key).select_for_update().get()
        yield row, clock.now()


def reserve(
    key: Key,
    windows: Sequence[Window] = (),
    *,
    bucket: Bucket | None = None,
    points: float = 0,
) -> Ticket:
    """Return the right to make one call, or raise a Wait that says when to come back.

    Waits by itself where two seconds are enough.
    """
    patience = time.monotonic() + PATIENCE
    while True:
        found = _try(key, windows, bucket, points)
        if isinstance(found, Ticket):
            return found
        until, now, in_flight = found
        rest = (until - now).total_seconds()
        if in_flight:
            rest = min(rest, GLANCE)
        if time.monotonic() + rest > patience:
            raise wait(key, max(until, now + timedelta(seconds=1)), now)
        time.sleep(max(rest, 0.001))


def wait(
    key: Key, until: datetime, now: datetime, *, cursor: str | None = None
) -> Wait:
    """Return the error that a wait of that length is."""
    kind = QuotaSpent if (until - now).total_seconds() > QUOTA_FROM else RateLimited
    said = f"{key}: the limit is used up"
    return kind(said, until=until, scope=key.group, cursor=cursor, endpoint=key.group)


def block(key: Key, seconds: float | None) -> Wait:
    """Let nobody call before so many seconds are over, and return the Wait to raise.

    None, where the provider did not say how long, is 30 s, then 2 and 8 minutes.
    """
    with locked(key) as (row, now):
        if seconds is not None and seconds > LONGEST:
            logger.warning(
                "provider asks for an absurd wait",
                extra={"budget": str(key), "seconds": seconds, "waits": LONGEST},
            )
        usual = BACKOFF[min(row.strikes, len(BACKOFF) - 1)]
        until = _shut(row, now, usual if seconds is None else seconds)
        row.strikes += 1
        row.save(update_fields=["blocked_until", "asked_seconds", "strikes"])
        return wait(key, until, now)


def settle(
    ticket: Ticket, *, actual: float | None = None, status: Bucket | None = None,
    available: float | None = None, is_good: bool = True,
) -> None:  # fmt: skip
    """Count a call that is over: what it cost, and what the provider says is left."""
    with locked(ticket.key) as (row, now):
        if is_good and row.strikes:
            row.strikes = 0
        if row.level is None:
            Spending.objects.filter(pk=ticket.spending_id).update(
                is_open=False, counts_at=now
            )
            row.save(update_fields=["strikes"])
            return
        if not Spending.objects.filter(pk=ticket.spending_id).delete()[0]:
            return  # so late that it was counted already
        level = _level(row, now) - (ticket.points if actual is None else actual)
        if status is not None:
            row.capacity, row.restore_rate = status.capacity, status.restore
        if available is not None:
            level = min(level, available)
        row.level, row.measured_at = max(level, 0.0), now
        row.save()


def tell_remaining(key: Key, remaining: int, reset: float) -> None:
    """Believe the provider: others may spend of the same limit."""
    with locked(key) as (row, now):
        row.remaining = remaining
        if remaining == 0:
            _shut(row, now, reset)
        row.save(update_fields=["remaining", "blocked_until", "asked_seconds"])


def _shut(row: Budget, now: datetime, seconds: float) -> datetime:
    """Let no call through for so long, at most LONGEST; return until when none is."""
    until = now + timedelta(seconds=min(max(seconds, 1.0), LONGEST))
    if row.blocked_until is None or until > row.blocked_until:
        row.blocked_until, row.asked_seconds = until, seconds
    return row.blocked_until


def remembered(key: Key, name: str) -> dict[str, float]:
    """Return what is remembered of a query."""
    row = _row(key).first()
    return dict(row.memory.get(name, {})) if row else {}


def remember(key: Key, name: str, **facts: float) -> None:
    """Keep what was learnt of a query."""
    with locked(key) as (row, _):
        row.memory = {**row.memory, name: facts}
        row.save(update_fields=["memory"])


def _row(key: Key) -> "QuerySet[Budget]":
    return Budget.objects.filter(
        provider=key.provider, account=key.account, group=key.group
    )


def _try(
    key: Key, windows: Sequence[Window], bucket: Bucket | None, points: float
) -> Ticket | tuple[datetime, datetime, bool]:
    """Return a ticket, or until when to wait, the moment, and whether a call is in flight."""
    with locked(key) as (row, now):
        if row.blocked_until and row.blocked_until > now:
            return row.blocked_until, now, False
        if bucket is not None:
            until, in_flight = _points(row, bucket, points, now)
        else:
            until, in_flight = _windows(row, windows, now)
        if until > now:
            return until, now, in_flight
        made = Spending.objects.create(
            budget=row, counts_at=now + IN_FLIGHT, points=points, is_open=True
        )
        return Ticket(key, row.pk, made.pk, points)


def _windows(
    row: Budget, windows: Sequence[Window], now: datetime
) -> tuple[datetime, bool]:
    """Return when every window has room, and whether a call in flight decides it."""
    longest = max(window.seconds for window in windows)
    calls = row.spendings.order_by("-counts_at")
    calls.filter(counts_at__lt=now - timedelta(seconds=longest)).delete()
    latest, in_flight = now, False
    for window in windows:
        nth = calls.values_list("counts_at", "is_open")[window.most - 1 : window.most]
        for counts_at, is_open in nth:
            until = counts_at + timedelta(seconds=window.seconds)
            if until > latest:
                latest, in_flight = until, is_open
    return latest, in_flight


def _points(
    row: Budget, bucket: Bucket, points: float, now: datetime
) -> tuple[datetime, bool]:
    """Return when the bucket holds so many points beside those of calls in flight."""
    if row.level is None:
        row.capacity, row.restore_rate = bucket.capacity, bucket.restore
        row.level, row.measured_at = bucket.capacity, now
        row.save()
    gone = row.spendings.filter(counts_at__lt=now)
    lost = sum(gone.values_list("points", flat=True))
    if lost:
        gone.delete()
        row.level, row.measured_at = max(_level(row, now) - lost, 0.0), now
        row.save(update_fields=["level", "measured_at"])
    held = sum(row.spendings.values_list("points", flat=True))
    missing = min(points, row.capacity or points) - (_level(row, now) - held)
    if missing <= 0:
        return now, False
    return now + timedelta(seconds=missing / (row.restore_rate or 1)), False


def _level(row: Budget, now: datetime) -> float:
    passed = (now - row.measured_at).total_seconds()
    return min(
        row.capacity or 0.0, (row.level or 0.0) + passed * (row.restore_rate or 0.0)
    )
