"""Jobs that belong together, and one more job when the last of them has ended."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import Self, Unpack

from django.db import connection, transaction
from django.db.models import Count, QuerySet
from django.db.models.functions import Now

from queues import firings, payload
from queues.audit import record
from queues.cancel import cancel
from queues.enqueue import Options, enqueue, enqueue_many
from queues.errors import IllegalTransition, InvalidOption, UnknownJob
from queues.handlers import registry
from queues.models import Job, JobBatch
from queues.models.job import DEFAULT_PRIORITY
from queues.states import FINAL, LIVE, State
from queues.wake import wake_on_commit

MOST = 100
"""Batches that one round closes."""
PAGE = 1000
"""Jobs that one statement cancels."""

# Looks for what lives in the index of batches: ended jobs cost nothing.
ENDED = """
SELECT id FROM job_batches AS batch
WHERE completed_at IS NULL AND sealed_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM jobs WHERE batch_id = batch.id AND status IN ('pending', 'processing'))
ORDER BY id LIMIT %s
"""
STILL_OPEN = """
SELECT id FROM job_batches WHERE id = %s AND completed_at IS NULL FOR SHARE
"""
LAST = """
INSERT INTO jobs (type, payload, priority, source)
VALUES (%(type)s, %(data)s::jsonb, %(priority)s, 'batch') RETURNING queue
"""

Then = tuple[str, Mapping[str, object]]

# Skips what is locked: a verdict on several jobs locks them in an order of its own.
CANCEL_PLAIN = """
WITH waiting AS MATERIALIZED (
    SELECT id FROM jobs
    WHERE id = ANY(%s) AND status = 'pending' AND held_run_at IS NULL AND NOT needed
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE jobs AS job SET status = 'cancelled', completed_at = clock_timestamp()
FROM waiting WHERE job.id = waiting.id RETURNING job.id
"""


class Batch:
    """Jobs under one name. As a context it is one transaction, sealed at its end.

    `on_complete` is the type and data of the job that is enqueued once, when the
    batch is sealed and none of its jobs lives; its data then also tells `batch_id`
    and how many `completed`, `failed` and `cancelled`.
    """

    def __init__(
        self,
        name: str,
        *,
        on_complete: Then | None = None,
        priority: int = DEFAULT_PRIORITY,
    ) -> None:
        type_, data = on_complete or (None, {})
        if type_ is not None:
            told = {**data, "batch_id": 0, "completed": 0, "failed": 0, "cancelled": 0}
            payload.encode(registry.get(type_), told)
        self._row = JobBatch(
            name=name,
            on_complete_type=type_,
            on_complete_data=dict(data),
            priority=priority,
        )
        self._block = ExitStack()

    @classmethod
    def create(
        cls,
        name: str,
        *,
        on_complete: Then | None = None,
        priority: int = DEFAULT_PRIORITY,
    ) -> Self:
        """Write an open batch; `enqueue` into it from anywhere, then `seal` it."""
        batch = cls(name, on_complete=on_complete, priority=priority)
        batch._row.save(force_insert=True)
        return batch

    @classmethod
    def get(cls, batch_id: int) -> Self:
        """Return the batch of that id; raises InvalidOption if there is none."""
        row = JobBatch.objects.filter(pk=batch_id).first()
        if row is None:
            raise InvalidOption(f"Unknown batch: {batch_id}")
        batch = cls(row.name)
        batch._row = row
        return batch

    @property
    def id(self) -> int:
        """The number under which `get` finds it."""
        return self._row.pk

    def __enter__(self) -> Self:
        """Open the transaction and write the batch."""
        with ExitStack() as block:
            block.enter_context(transaction.atomic())
            self._row.save(force_insert=True)
            block.push(self._seal_if_whole)
            self._block = block.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Seal the batch and commit, or roll all of it back."""
        self._block.__exit__(kind, error, trace)

    def _seal_if_whole(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.seal()

    def enqueue(
        self,
        type: str,  # noqa: A002
        data: object = None,
        *,
        after: Iterable[Job | int] = (),
        if_dead: str = "bury",
        **options: Unpack[Options],
    ) -> Job:
        """Write one job of this batch; a batch that is complete takes no more."""
        options["batch_id"] = self.id
        with self._open():
            return enqueue(type, data, after=after, if_dead=if_dead, **options)

    def enqueue_many(
        self,
        type: str,  # noqa: A002
        documents: Iterable[object],
        **options: Unpack[Options],
    ) -> list[Job]:
        """Write many jobs of this batch."""
        options["batch_id"] = self.id
        with self._open():
            return enqueue_many(type, documents, **options)

    def seal(self) -> None:
        """Say that all jobs are in; from now on the batch can become complete.

        A running job of the batch may still add others to it.
        """
        JobBatch.objects.filter(pk=self.id, sealed_at=None).update(
            sealed_at=Now(), total=Job.objects.filter(batch=self.id).count()
        )

    def progress(self) -> dict[str, int]:
        """Count the jobs of the batch by status, and their `total`."""
        return _counts(self.id)

    @contextmanager
    def _open(self) -> Iterator[None]:
        """Keep the batch from being closed until the caller's job is in."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(STILL_OPEN, [self.id])
            if cursor.fetchone() is None:
                raise InvalidOption(f"Batch {self.id} is complete")
            yield


@transaction.atomic
def cancel_rest(batch_id: int) -> Job:
    """Order that what waits of a batch is cancelled and what runs is asked to stop.

    Return the job that does it, page by page, until none is left.
    """
    row = JobBatch.objects.filter(pk=batch_id).first()
    if row is None:
        raise InvalidOption(f"Unknown batch: {batch_id}")
    record("batch.cancel", row, count=_cancellable(batch_id).count())
    data, key = {"batch_id": batch_id}, f"batch-{batch_id}"
    return enqueue("cancel-batch", data, priority=1, unique_key=key)


def cancel_some(batch_id: int) -> int:
    """Cancel one page of a batch; return how many may be left to cancel."""
    page = list(
        _cancellable(batch_id).order_by("pk").values_list("pk", flat=True)[:PAGE]
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CANCEL_PLAIN, [page])
        done = {job_id for (job_id,) in cursor.fetchall()}
        firings.close(list(done))
    # Those that others wait for, or that wait themselves, set something off; what is
    # claimed or settled right now answers for itself a moment later.
    for job_id in page:
        if job_id not in done:
            with suppress(IllegalTransition, UnknownJob):
                cancel(job_id)
    return _cancellable(batch_id).count() if len(page) == PAGE else 0


def _cancellable(batch_id: int) -> QuerySet[Job]:
    live = Job.objects.filter(batch=batch_id, status__in=LIVE)
    return live.filter(cancel_requested_at=None)


def close_batches() -> int:
    """Close the sealed batches of which no job lives; return how many.

    Each enqueues its job in the transaction that closes it, so exactly once.
    """
    with connection.cursor() as cursor:
        cursor.execute(ENDED, [MOST])
        ended = [batch_id for (batch_id,) in cursor.fetchall()]
    return sum(map(_close, ended))


@transaction.atomic
def _close(batch_id: int) -> bool:
    row = (
        JobBatch.objects.select_for_update(skip_locked=True)
        .filter(pk=batch_id, completed_at=None)
        .first()
    )
    # Under the lock nothing is added: what is counted now is what it came to.
    if row is None or row.jobs.filter(status__in=LIVE).exists():
        return False
    counts = _counts(batch_id)
    JobBatch.objects.filter(pk=batch_id).update(
        completed_at=Now(), total=counts["total"]
    )
    if row.on_complete_type is not None:
        _write_last(row, counts)
    return True


def _write_last(row: JobBatch, counts: dict[str, int]) -> None:
    """Write the job as SQL would: one of an unknown type dies and says so."""
    told = {status: counts[status] for status in FINAL}
    with connection.cursor() as cursor:
        cursor.execute(
            LAST,
            {
                "type": row.on_complete_type,
                "data": json.dumps(
                    {**row.on_complete_data, "batch_id": row.pk, **told}
                ),
                "priority": row.priority,
            },
        )
        (queue,) = cursor.fetchone()
    wake_on_commit(queue)


def _counts(batch_id: int) -> dict[str, int]:
    jobs = Job.objects.filter(batch=batch_id).order_by().values_list("status")
    found = dict(jobs.annotate(Count("pk")))
    counts = {str(status): found.get(status, 0) for status in State}
    return {"total": sum(counts.values()), **counts}
