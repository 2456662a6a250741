"""Count the statements that running a job takes, in this process."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from queues import work
from tests.bench.naive.app import run
from tests.bench.naive.models import Row
from tests.bench.sides import PAYLOAD, Ours


@dataclass(frozen=True, slots=True)
class Counted:
    """Statements a job."""

    claims: float
    settles: float
    all: float


def ours(count: int) -> Counted:
    """Return what the worker's loop sends while it works off so many jobs."""
    side = Ours()
    side.clear()
    side.enqueue()
    work.work("default")  # registers this process, which is done once
    side.enqueue_many(count)
    seen = counted(lambda: work.work("default", slice_seconds=60))
    claims = sum(n for text, n in seen.items() if "ritmo_claim" in text)
    settles = sum(n for text, n in seen.items() if "ritmo_settle" in text)
    return Counted(claims / count, settles / count, seen.total() / count)


def naive(count: int) -> float:
    """Return what the baseline's task sends a job."""
    rows = [Row.objects.create(payload=PAYLOAD) for _ in range(count)]
    seen = counted(lambda: [run.run(row.pk) for row in rows])
    return seen.total() / count


def counted(call: Callable[[], object]) -> Counter[str]:
    """Return how often each statement was sent during the call."""
    seen: Counter[str] = Counter()

    def count(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        seen[sql] += 1
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        call()
    return seen
