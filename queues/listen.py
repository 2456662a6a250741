"""Hear the next bells in the process that has just worked, not through Celery again.

Celery's own way of a bell, through the worker's main process and a pipe, takes longer
than everything else that a short job needs.
"""

import logging
import mmap
import threading
import time
from collections.abc import Iterator, Sequence

from queues.broker import BROKER_ERRORS, Line
from queues.wake import dial, key, wake

logger = logging.getLogger(__name__)

NAP = 0.5
"""Seconds between two looks at whether the worker drains or stops."""
IDLE = 30.0
"""Seconds without a bell after which a process goes back to Celery."""
TURN = 300.0
"""Seconds after which it goes back anyhow: Celery replaces its processes then."""

# Bytes that the pool's processes share with the worker they are forked from. Where
# they are not forked they stay 0, and every bell goes through Celery.
_ear = mmap.mmap(-1, 2)
OPEN, LEAVING = 0, 1
_mine = threading.local()


def open_ear() -> None:
    """Let the processes of this worker listen after their work."""
    _ear[OPEN] = 1


def shut_ear() -> None:
    """Let them go back to Celery, within NAP."""
    _ear[OPEN] = 0


def leave_off() -> None:
    """Let them begin no further batch: their worker ends, and others go on."""
    _ear[OPEN], _ear[LEAVING] = 0, 1


def is_leaving() -> bool:
    """Tell whether this process's worker ends."""
    return bool(_ear[LEAVING])


def bells(queues: Sequence[str]) -> Iterator[str]:
    """Yield the queue of each bell that is heard here, those named first before others.

    Ends after a while, when the ear is shut, or when the broker does not answer.
    """
    now = time.monotonic()
    over, bored = now + TURN, now + IDLE
    while _ear[OPEN] and time.monotonic() < min(over, bored):
        try:
            queue = _hear(queues)
        except BROKER_ERRORS as error:
            logger.debug("the broker does not answer: %s", error)
            return
        if queue is not None and not _ear[OPEN]:
            wake(queue)  # for another worker
        elif queue is not None:
            yield queue
            bored = time.monotonic() + IDLE


def _hear(queues: Sequence[str]) -> str | None:
    line: Line | None = getattr(_mine, "line", None)
    if line is None:
        line = _mine.line = dial()
    keys = {key(queue): queue for queue in queues}
    try:
        answer = line.ask("BRPOP", *keys, NAP)
    except BROKER_ERRORS:
        line.close()
        raise
    return None if answer is None else keys[answer[0].decode()]
