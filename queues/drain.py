"""Ask a Celery worker to finish what it runs and take no more, or to end."""

from django.db import transaction
from django.db.models.functions import Now

from queues.audit import record
from queues.errors import UnknownWorker, WorkerGone
from queues.models import Worker


def drain(worker_id: int) -> None:
    """Let the worker finish its jobs and claim no more; within two seconds it heeds.

    Raises UnknownWorker; WorkerGone if it ended or is no Celery worker.
    """
    with transaction.atomic():
        worker = _locked(worker_id)
        if worker.drain_requested_at is None:
            Worker.objects.filter(pk=worker_id).update(drain_requested_at=Now())
            record("worker.drain", worker, after={"draining": True})


def undrain(worker_id: int) -> None:
    """Let a draining worker claim jobs again.

    Raises what `drain` raises, and WorkerGone once it was asked to stop.
    """
    with transaction.atomic():
        worker = _locked(worker_id)
        if worker.stop_requested_at is not None:
            raise WorkerGone
        if worker.drain_requested_at is not None:
            Worker.objects.filter(pk=worker_id).update(drain_requested_at=None)
            told = {"draining": True, "since": worker.drain_requested_at}
            record("worker.undrain", worker, before=told, after={"draining": False})


def stop(worker_id: int) -> None:
    """Let the worker end as after a SIGTERM: running jobs have their grace.

    Whoever supervises it starts another in its place. Raises what `drain` raises.
    """
    with transaction.atomic():
        worker = _locked(worker_id)
        if worker.stop_requested_at is None:
            draining = worker.drain_requested_at or Now()
            Worker.objects.filter(pk=worker_id).update(
                drain_requested_at=draining, stop_requested_at=Now()
            )
            record("worker.stop", worker, after={"stopping": True})


def _locked(worker_id: int) -> Worker:
    worker = Worker.objects.select_for_update().filter(pk=worker_id).first()
    if worker is None:
        raise UnknownWorker(worker_id)
    if worker.gone_at is not None or worker.kind != Worker.Kind.NODE:
        raise WorkerGone
    return worker
