"""Apply the pending messages, oldest first, each in a transaction of its own."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Count, Min, Q
from django.db.models.functions import Extract, Now

from cadences.apply import apply
from cadences.models import Message
from queues.errors import QueueError
from queues.payload import printable

logger = logging.getLogger(__name__)

MAX_ERRORS = 10
"""Errors named in the result; every one stands in its message's row."""
MAX_ERROR_TEXT = 2000

# These speak of us, not of the message: it stays pending and the job is tried again.
OURS = (QueueError, OperationalError, InterfaceError)

Stop = Callable[[int], bool]


@dataclass(slots=True)
class Drained:
    """What one run found, did, and has to report."""

    pending: int = 0
    stale: int = 0
    oldest_age: int | None = None
    processed: int = 0
    failed: int = 0
    errors: list[dict[str, object]] = field(default_factory=list)

    @property
    def found(self) -> int:
        """The messages that this run took up."""
        return self.processed + self.failed


def drain(
    limit: int, *, max_age: timedelta | None = None, stop: Stop = lambda done: False
) -> Drained:
    """Apply up to `limit` pending messages, oldest first; report those over `max_age`.

    Two runs never apply one message twice. A message that cannot be applied is
    marked failed with its error, and the others go on. `stop` is asked before each.
    """
    drained = _look(max_age)
    while drained.found < limit and not stop(drained.found):
        with transaction.atomic():
            message = _next()
            if message is None:
                break
            _settle(message, drained)
    return drained


def _look(max_age: timedelta | None) -> Drained:
    """Count what waits, and what has waited too long, before anything is applied."""
    waiting = Message.objects.filter(status=Message.Status.PENDING)
    late = Q(created_at__lt=Now() - max_age) if max_age is not None else Q(pk=None)
    seen = waiting.aggregate(
        pending=Count("pk"),
        stale=Count("pk", filter=late),
        oldest_age=Extract(Now() - Min("created_at"), "epoch"),
    )
    if seen["oldest_age"] is not None:
        seen["oldest_age"] = max(0, int(seen["oldest_age"]))
    return Drained(**seen)


def _next() -> Message | None:
    """Lock the oldest pending message that no other run holds."""
    waiting = Message.objects.filter(status=Message.Status.PENDING)
    locked = waiting.select_for_update(skip_locked=True)
    return locked.order_by("created_at", "pk").first()


def _settle(message: Message, drained: Drained) -> None:
    """Apply a locked message and write how it went in the same transaction."""
    row = Message.objects.filter(pk=message.pk)
    try:
        with transaction.atomic():
            apply(message)
    except OURS:
        raise
    except Exception as error:
        # A message may carry anything; one that breaks us must not stop the rest.
        logger.warning("message %s cannot be applied", message.pk, exc_info=error)
        text = printable(f"{type(error).__name__}: {error}")[:MAX_ERROR_TEXT]
        row.update(status=Message.Status.FAILED, error=text, processed_at=Now())
        drained.failed += 1
        if len(drained.errors) < MAX_ERRORS:
            drained.errors.append({"messageId": message.pk, "error": text})
    else:
        row.update(status=Message.Status.PROCESSED, error=None, processed_at=Now())
        drained.processed += 1
