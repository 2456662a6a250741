"""For the tests of applications: run jobs without a worker, and see what was asked."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from unittest import mock

from django.db import connection, connections, transaction
from django.db.models import Max
from django.db.models.functions import Now

from queues import running, wake
from queues.batches import close_batches
from queues.claims import Claim
from queues.models import Attempt, Job
from queues.run import run
from queues.settle import settle
from queues.states import State
from queues.work import Pass


@contextmanager
def inline() -> Iterator[Pass]:
    """Run the jobs enqueued in the block without a worker, most urgent first.

    Each starts as soon as its transaction commits, or at the end of the block: so
    it works in a test that is itself a transaction, too. Data, failures, retries
    and dead letters are treated as by a worker. A job that is not yet due, or waits
    for another try, stays pending; what was there before is left alone. The value
    of the block counts what ran. One job runs at a time, so limits are not asked.
    """
    newest = Job.objects.aggregate(newest=Max("pk"))["newest"] or 0
    runner = _Runner(after=newest)
    with mock.patch.object(wake, "wake", runner.ring), _visible():
        yield runner.done
        runner.drain()


def assert_enqueued(type: str, **data: object) -> Job:  # noqa: A002
    """Return the newest job of this type whose payload holds this data, or fail."""
    jobs = Job.objects.filter(type=type).order_by("-pk")
    found = jobs.filter(payload__contains=data).first()
    if found is None:
        seen = [job.payload for job in jobs[:10]]
        raise AssertionError(
            f"No job {type} with {data}; enqueued of this type: {seen}"
        )
    return found


@contextmanager
def _visible() -> Iterator[None]:
    """In a test that is a transaction, write checkpoints in it: no one else sees it."""
    if not connection.in_atomic_block:
        yield
        return
    here = nullcontext(connections[connection.alias])
    with mock.patch.object(running, "_outside_transaction", return_value=here):
        yield


class _Runner:
    """Claim, run and settle as a worker would, but only jobs after a certain one."""

    def __init__(self, *, after: int) -> None:
        self.after = after
        self.done = Pass()
        self.busy = False

    def ring(self, queue: str) -> bool:
        """Answer the bell that a commit rings."""
        self.drain()
        return True

    def drain(self) -> None:
        """Run until nothing is due; a job enqueued by a job has its turn here, too."""
        if self.busy:
            return
        self.busy = True
        try:
            while claim := self._claim() or (close_batches() and self._claim()):
                outcome = run(claim)
                statuses = settle([(claim, outcome)])
                self.done.count(claim, outcome, statuses[claim.job_id])
        finally:
            self.busy = False

    def _claim(self) -> Claim | None:
        due = Job.objects.filter(
            pk__gt=self.after, status=State.PENDING, run_at__lte=Now()
        ).order_by("priority", "run_at", "pk")
        with transaction.atomic():
            job = due.select_for_update(skip_locked=True).first()
            return None if job is None else _open(job)


def _open(job: Job) -> Claim:
    """Open an attempt on a locked job."""
    Job.objects.filter(pk=job.pk).update(status=State.PROCESSING, started_at=Now())
    attempt = Attempt.objects.create(
        job=job, worker=None, number=job.failures + 1, started_at=Now()
    )
    return Claim(
        attempt_id=attempt.pk, job_id=job.pk, type=job.type, queue=job.queue,
        payload=job.payload, priority=job.priority, number=job.failures + 1,
        failures=job.failures, losses=job.losses, max_attempts=job.max_attempts,
        source=job.source, unique_key=job.unique_key, checkpoint=job.checkpoint,
        run_at=job.run_at,
    )  # fmt: skip
