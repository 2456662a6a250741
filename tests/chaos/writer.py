"""The writer: jobs without pause, through the doors of Python and of SQL."""

import json
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.db import DatabaseError, InterfaceError, connection

from queues.enqueue import enqueue, enqueue_many
from tests.chaos.jobs import POISON, SEAT, STEP, STORM

PAUSE = 0.05
"""Seconds between two calls, of which most write one job and some write six."""
SLOW = 0.5


class Writer(threading.Thread):
    """A thread that remembers every id that a door acknowledged."""

    def __init__(self, seed: int) -> None:
        super().__init__(name="chaos-writer", daemon=True)
        self._random = random.Random(seed)
        self._enough = threading.Event()
        self.acknowledged: dict[int, str] = {}
        self.refused = 0
        self.slow: list[tuple[float, float]] = []
        """When a door took longer than SLOW, and how long."""

    def run(self) -> None:
        """Write until told to stop; an outage is counted and waited out."""
        doors = (self._python, self._function, self._insert, self._seat, self._many)
        while not self._enough.wait(PAUSE):
            for door in doors:
                self._try(door)
                if self._enough.wait(PAUSE):
                    break
        connection.close()

    def stop(self) -> None:
        """Write no more."""
        self._enough.set()
        self.join(30)

    def burst(self, count: int, seconds: float, *, priority: int = 5) -> list[int]:
        """Write many at once, from the caller's thread; return their ids."""
        rows = [{"seconds": seconds}] * count
        jobs = enqueue_many(STEP, rows, priority=priority)
        self._note(jobs)
        return [job.pk for job in jobs]

    def storm(self, count: int) -> None:
        """Write jobs that fail at first, from the caller's thread."""
        self._note(enqueue_many(STORM, [{}] * count))

    def pills(self, count: int) -> None:
        """Write poison pills, from the caller's thread."""
        self._note(enqueue_many(POISON, [{}] * count))

    def _try(self, door: Callable[[], Any]) -> None:
        began = time.monotonic()
        try:
            door()
        except (DatabaseError, InterfaceError):
            self.refused += 1
            with suppress(DatabaseError, InterfaceError):
                connection.close()
        if (seconds := time.monotonic() - began) > SLOW:
            self.slow.append((time.time() - seconds, seconds))

    def _python(self) -> None:
        self._note([enqueue(STEP, self._data())])

    def _seat(self) -> None:
        seat = self._random.randint(1, 6)
        self._note([enqueue(SEAT, {"seat": seat, "seconds": 0.05})])

    def _many(self) -> None:
        self._note(enqueue_many(STEP, [self._data() for _ in range(6)]))

    def _function(self) -> None:
        answer = _ask(
            "SELECT enqueue_job(%s, %s::jsonb)", STEP, json.dumps(self._data())
        )
        told = json.loads(answer) if isinstance(answer, str) else answer
        self.acknowledged[int(told["jobId"])] = STEP

    def _insert(self) -> None:
        job = _ask(
            "INSERT INTO jobs (type, payload, priority) VALUES (%s, %s::jsonb, %s)"
            " RETURNING id",
            STEP, json.dumps(self._data()), self._random.randint(1, 9),
        )  # fmt: skip
        self.acknowledged[int(job)] = STEP

    def _note(self, jobs: list[Any]) -> None:
        self.acknowledged.update({job.pk: job.type for job in jobs})

    def _data(self) -> dict[str, float]:
        long = self._random.random() < 0.02
        return {"seconds": self._random.uniform(0.5, 1.5) if long else 0.02}


def _ask(statement: str, *values: object) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]
