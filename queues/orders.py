"""What staff asked for, as each process that runs jobs sees it: a look is cheap and short-lived."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from queues.machine import machine_id

GOOD_FOR = 0.5
"""Seconds; so a pause is felt within them, and costs a busy process nothing."""

# A pool process heeds what its Celery worker was asked.
LOOK = """
SELECT ARRAY(SELECT name::text FROM queue_states WHERE paused_at IS NOT NULL),
       EXISTS (SELECT FROM workers
               WHERE machine = %s AND pid = ANY(%s) AND kind = 'node'
                 AND gone_at IS NULL AND drain_requested_at IS NOT NULL)
"""


@dataclass(slots=True)
class Orders:
    """The paused queues, and whether this process shall take no more."""

    at: float = float("-inf")
    paused: frozenset[str] = frozenset()
    is_draining: bool = False


_last = Orders()


def open_among(queues: Sequence[str]) -> list[str]:
    """Return those of the queues from which this process may claim now.

    What is remembered as closed is looked at again at once: whoever rang may know
    more than we do.
    """
    is_old = time.monotonic() - _last.at >= GOOD_FOR
    if is_old or _last.is_draining or not _last.paused.isdisjoint(queues):
        _look()
    if _last.is_draining:
        return []
    return [name for name in queues if name not in _last.paused]


def paused_queues() -> frozenset[str]:
    """Return the names of the queues that are paused, as seen within GOOD_FOR seconds."""
    if time.monotonic() - _last.at >= GOOD_FOR:
        _look()
    return _last.paused


def forget() -> None:
    """Forget what was seen: after rows were removed, as in tests."""
    _last.at, _last.paused, _last.is_draining = float("-inf"), frozenset(), False


def _look() -> None:
    at = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(LOOK, [machine_id(), [os.getpid(), os.getppid()]])
        names, _last.is_draining = cursor.fetchone()
    _last.at, _last.paused = at, frozenset(names)
