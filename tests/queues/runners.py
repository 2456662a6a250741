"""Threads that claim, run and settle beside a test, as workers do."""

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connection

from queues.claim import claim
from queues.claims import Claim
from queues.models import Job
from queues.outcomes import Outcome
from queues.settle import settle

End = Callable[[Claim, random.Random], Outcome]


def clock():
    """Return the time by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def race(count: int, act: Callable[[int], Any], *, seconds: float = 60) -> list[Any]:
    """Run `act` in that many threads at once; raise what any of them raised.

    Return what they returned, in the order of their ends.
    """
    start = threading.Barrier(count)
    answers: list[Any] = []
    errors: list[BaseException] = []

    def target(number: int) -> None:
        try:
            start.wait()
            answers.append(act(number))
        except BaseException as error:  # noqa: BLE001 - handed to the test
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=target, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    over = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, over - time.monotonic()))
    if errors:
        raise errors[0]
    assert not any(thread.is_alive() for thread in threads), "threads hang"
    return answers


class Runners:
    """Threads that claim, run and settle until told to stop."""

    def __init__(self, me: int, count: int, end: End, *, limit: int = 1) -> None:
        self.me, self.limit, self.end = me, limit, end
        self.runs: list[tuple[Any, ...]] = []
        self.errors: list[BaseException] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._loop, args=(n,)) for n in range(count)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _loop(self, number: int) -> None:
        dice = random.Random(number)
        try:
            while not self._stop.is_set():
                self._pass(dice)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self.errors.append(error)
        finally:
            connection.close()

    def _pass(self, dice: random.Random) -> None:
        claims = claim(["default"], worker=self.me, limit=self.limit)
        began = clock()
        time.sleep(dice.uniform(0, 0.004))
        verdicts = [(each, self.end(each, dice)) for each in claims]
        ended = clock()
        settle(verdicts)
        self.runs += [(each.unique_key, began, ended, each.payload) for each in claims]


def wait_until_idle() -> None:
    """Return once no job lives."""
    until = time.monotonic() + 30
    while Job.objects.filter(status__in=["pending", "processing"]).exists():
        assert time.monotonic() < until, "jobs are left waiting"
        time.sleep(0.02)
