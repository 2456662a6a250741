"""Ring the bell of a queue: a short Celery message, "look at this queue"."""

import json
import logging
import os
import time
from collections import defaultdict, deque
from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import uuid4

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu import Connection

from queues.broker import BROKER_ERRORS, Line

logger = logging.getLogger(__name__)

MAX_OUTSTANDING = 4
"""Bells that may wait per queue; each wakes one process, which wakes the next."""
TAG = "of-this-bell"
# Whoever takes a waiting bell looks at the queue after our commit, so our row is
# seen; only a short line needs a new one.
RING = """
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('LPUSH', KEYS[1], ARGV[2])
return 1
"""
SILENCE = 1.0
"""Seconds without trying after the broker refused; the pacemaker rings anyway."""

_lines: defaultdict[str, deque[Line]] = defaultdict(deque)
"""By address, the connections that nobody uses now."""
_silent_until = 0.0
os.register_at_fork(after_in_child=_lines.clear)


def wake_on_commit(queue: str) -> None:
    """Ring once the caller's transaction commits; never if it rolls back."""
    connection = transaction.get_connection()
    ring = _ring(queue)
    if connection.in_atomic_block and connection.run_on_commit:
        savepoints, last, *_ = connection.run_on_commit[-1]
        # A thousand rows of one transaction ask for one look, not for a thousand.
        if last is ring and savepoints == set(connection.savepoint_ids):
            return
    transaction.on_commit(ring, robust=True)


def wake(queue: str) -> None:
    """Ring now unless enough bells wait already, without waiting for an answer.

    A broker that does not answer is logged at the next ring and forgotten: the rows
    stand, and the pacemaker rings again.
    """
    global _silent_until  # noqa: PLW0603 - one memory per process, by design
    if time.monotonic() < _silent_until:
        return
    try:
        _publish(queue)
    except BROKER_ERRORS as error:
        _silent_until = time.monotonic() + SILENCE
        logger.warning("the broker does not answer, the pacemaker will ring: %s", error)


def _publish(queue: str) -> None:
    # Django's settings: to ask Celery's costs a third of the ring.
    idle = _lines[settings.CELERY_BROKER_URL]
    line = idle.pop() if idle else dial()
    bell = _bell(queue).replace(TAG, str(uuid4()))
    line.say("EVAL", RING, 1, key(queue), MAX_OUTSTANDING, bell)
    idle.append(line)


def dial() -> Line:
    """Return a line of the caller's own to the broker."""
    return Line(settings.CELERY_BROKER_URL, current_app.conf.broker_transport_options)


@cache
def key(queue: str) -> str:
    """Return the list at the broker that Celery's messages of a queue wait in."""
    prefix = current_app.conf.broker_transport_options.get("global_keyprefix", "")
    return f"{prefix}{queue}"


@cache
def _bell(queue: str) -> str:
    """Return the message as Celery puts it into a list of Redis, but for its tag.

    Composing it anew would cost each `enqueue` more than writing its row. Kombu's
    transport in memory writes it in the same form: both are its virtual ones.
    """
    with Connection("memory://") as memory, memory.Producer() as producer:
        current_app.send_task(
            "queues.work", args=(queue,), queue=queue, task_id=TAG, producer=producer
        )
        channel: Any = producer.channel
        message = channel._get(queue)  # noqa: SLF001 - the one place that sees it
    message["properties"]["delivery_tag"] = TAG
    return json.dumps(message)


@cache
def _ring(queue: str) -> Callable[[], None]:
    # A real function: Django asks a failing robust callback for its __qualname__.
    def ring() -> None:
        wake(queue)

    return ring
