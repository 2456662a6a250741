"""Ring the bell of a queue: a short Celery message, "look at this queue"."""

import json
import logging
import time
from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import uuid4

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu import Connection
from redis import Redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError
from redis.retry import Retry

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

_BROKER_ERRORS = (RedisError, OSError)
_silent_until = 0.0


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


def wake(queue: str) -> bool:
    """Ring now unless enough bells wait already; tell whether one was rung.

    A broker that does not answer is logged and forgotten: the rows stand, and
    the pacemaker rings again.
    """
    global _silent_until  # noqa: PLW0603 - one memory per process, by design
    if time.monotonic() < _silent_until:
        return False
    try:
        return _publish(queue)
    except _BROKER_ERRORS as error:
        _silent_until = time.monotonic() + SILENCE
        logger.warning("the broker does not answer, the pacemaker will ring: %s", error)
        return False


def _publish(queue: str) -> bool:
    # Django's settings: to ask Celery's costs a third of the ring.
    ring, prefix = _broker(settings.CELERY_BROKER_URL)
    bell = _bell(queue).replace(TAG, str(uuid4()))
    return bool(ring([prefix + queue], [MAX_OUTSTANDING, bell]))


@cache
def _broker(url: str) -> tuple[Script, str]:
    """Return the script at the broker and the prefix of its keys.

    Straight to Redis: Kombu's pools and composing would cost as much as the row.
    """
    options = current_app.conf.broker_transport_options
    known = {key: value for key, value in options.items() if key.startswith("socket_")}
    # Once more, at once: a connection that idled through a restart of the broker.
    again = Retry(NoBackoff(), 1, supported_errors=(ConnectionLost,))
    client = Redis.from_url(url, retry=again, **known)
    return client.register_script(RING), str(options.get("global_keyprefix", ""))


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
