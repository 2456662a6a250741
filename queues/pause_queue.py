"""Pause a queue, and let it go on: while it is paused nobody claims its jobs."""

from django.db import transaction
from django.db.models.functions import Now

from queues.audit import record, whoever
from queues.errors import UnknownQueue
from queues.figures import waiting
from queues.handlers import registry
from queues.models import Queue
from queues.wake import wake_on_commit


def pause_queue(name: str, note: str = "") -> bool:
    """Let no process claim jobs of the queue from now on; tell whether that is new.

    What runs goes on to its end. A note replaces that of an earlier pause. Raises
    UnknownQueue.
    """
    with transaction.atomic():
        queue = _locked(name)
        told = {"paused": queue.paused_at is not None, "note": queue.pause_note}
        if (after := {"paused": True, "note": note.strip()}) == told:
            return False
        Queue.objects.filter(pk=name).update(
            paused_at=queue.paused_at or Now(),
            paused_by=whoever().name[:200],
            pause_note=after["note"],
        )
        record("queue.pause", queue, reason=note.strip(), before=told, after=after)
    return not told["paused"]


def resume_queue(name: str) -> bool:
    """Let the queue's jobs be claimed again, at once; tell whether it was paused.

    Raises UnknownQueue.
    """
    with transaction.atomic():
        queue = _locked(name)
        if queue.paused_at is None:
            return False
        Queue.objects.filter(pk=name).update(
            paused_at=None, paused_by="", pause_note=""
        )
        told = {
            "paused": True,
            "note": queue.pause_note,
            "since": queue.paused_at,
            "by": queue.paused_by,
        }
        record("queue.resume", queue, before=told, after={"paused": False})
        wake_on_commit(name)
    return True


def _locked(name: str) -> Queue:
    """Return the row of the queue under its lock, made if need be."""
    is_known = name in registry.queues() or Queue.objects.filter(pk=name).exists()
    if not is_known and name not in {line.queue for line in waiting()}:
        raise UnknownQueue(name)
    Queue.objects.get_or_create(name=name)
    return Queue.objects.select_for_update().get(pk=name)
