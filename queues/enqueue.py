"""Write jobs in the caller's transaction, and ring on its commit."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import repeat
from typing import Any, TypedDict, Unpack

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.db.models.base import ModelState
from django.utils import timezone

from queues import payload
from queues.errors import InvalidOption, InvalidRunAt
from queues.handlers import Handler, registry
from queues.models import Job
from queues.models.job import DEFAULT_PRIORITY
from queues.needs import hold, lock_parents
from queues.priority import check_priority
from queues.states import State
from queues.unique import Policy, check_key, write_unique
from queues.wake import wake_on_commit

CLOCK_SKEW = timedelta(minutes=5)
"""A `run_at` this far in the past is a slow caller; further is a mistake."""
HORIZON = timedelta(days=3653)
MAX_TRIES = 1000
CHUNK = 5000

# One row alone: cheaper to plan and to run than the array of one, and cheaper without
# the columns that most rows leave empty.
INSERT_ONE = """
INSERT INTO jobs (type, queue, payload, priority, max_attempts, source{more})
VALUES (%(type)s, %(queue)s, %(payload)s, %(priority)s, %(max_attempts)s,
        %(source)s{values})
RETURNING id, created_at
"""
RARE = {
    "run_at": "run_at",
    "owner_id": "user_id",
    "batch_id": "batch_id",
    "limit_name": "limit_name",
    "limit_key": "limit_key",
}
"""What a row alone may leave to the database, and the column of each."""
# The rows of one statement share their times; their ids rise in the order given.
INSERT = """
WITH written AS (
    INSERT INTO jobs (type, queue, payload, priority, run_at, max_attempts, user_id,
                      source, batch_id, limit_name, limit_key)
    SELECT %(type)s, %(queue)s, row.payload::jsonb, %(priority)s,
           coalesce(%(run_at)s::timestamptz, statement_timestamp()),
           %(max_attempts)s, %(owner_id)s, %(source)s, %(batch_id)s, %(limit_name)s,
           row.limit_key
    FROM unnest(%(payloads)s::text[], %(limit_keys)s::text[])
        WITH ORDINALITY AS row (payload, limit_key, place)
    ORDER BY row.place
    RETURNING id, run_at, created_at
)
SELECT array_agg(id ORDER BY id), min(run_at), min(created_at) FROM written
"""


class Options(TypedDict, total=False):
    """What a caller may say of a job beside its type and data."""

    priority: int
    queue: str | None
    run_at: datetime | None
    unique_key: str | None
    max_attempts: int | None
    owner: AbstractBaseUser | None
    source: str
    batch_id: int | None


def enqueue(
    type: str,  # noqa: A002 - the word of the row, the API and the seeds
    data: object = None,
    *,
    on_conflict: str = "keep",
    unique_for: timedelta | None = None,
    after: Iterable[Job | int] = (),
    if_dead: str = "bury",
    **options: Unpack[Options],
) -> Job:
    """Write one job in the caller's transaction; return it.

    If a live job of the type holds its `unique_key`, return that job instead:
    "keep" leaves it alone, "replace" gives it the new data, priority and due time,
    "coalesce" lets it come forward; either makes a running one run once more
    afterwards. With `unique_for`, the job of this key that is younger than that is
    returned even if it has ended. With `after`, the job waits until all those are
    completed; if one dies, "bury" it with them or "run" it all the same.

    Raises InvalidJobType, UnknownJobType, InvalidJobData, PayloadTooLarge,
    InvalidPriority, InvalidRunAt, UnknownQueue or InvalidOption, and then
    writes nothing.
    """
    handler = registry.get(type)
    columns = _columns(handler, **options)
    policy = Policy(on_conflict, unique_for, keyed=columns["unique_key"] is not None)
    row = payload.encode(handler, {} if data is None else data)
    parents = list(after)
    if not parents:
        return _one(columns, row, policy)[0]
    if on_conflict != "keep":
        raise InvalidOption("after goes with on_conflict='keep' only")
    with transaction.atomic():
        ids = lock_parents(parents, if_dead=if_dead)
        job, written = _one(columns, row, policy)
        if job.pk in ids:
            raise InvalidOption(f"Job {job.pk} cannot wait for itself")
        return hold(job, ids, if_dead=if_dead) if written else job


def enqueue_many(
    type: str,  # noqa: A002
    documents: Iterable[object],
    *,
    unique_keys: Sequence[str] | None = None,
    on_conflict: str = "keep",
    unique_for: timedelta | None = None,
    **options: Unpack[Options],
) -> list[Job]:
    """Write a job for each data, in order, all or none; raises as `enqueue` does.

    With a key for each in `unique_keys`, a job that holds one is returned instead.
    """
    if options.get("unique_key") is not None:
        raise InvalidOption("enqueue_many takes unique_keys: one key makes one job")
    handler = registry.get(type)
    columns = _columns(handler, **options)
    policy = Policy(on_conflict, unique_for, keyed=unique_keys is not None)
    rows = [payload.encode(handler, data) for data in documents]
    if unique_keys is not None:
        return [job for job, _ in _keyed(columns, rows, unique_keys, policy)]
    if len(rows) <= CHUNK:
        return _insert(columns, rows)
    with transaction.atomic():
        chunks = (rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK))
        return [job for chunk in chunks for job in _insert(columns, chunk)]


def _one(columns: dict[str, Any], row: str, policy: Policy) -> tuple[Job, bool]:
    """Return the job, and whether it was written just now."""
    if (key := columns["unique_key"]) is None:
        return _insert(columns, [row])[0], True
    return _keyed(columns, [row], [key], policy)[0]


def _keyed(
    columns: dict[str, Any], rows: Sequence[str], keys: Sequence[str], policy: Policy
) -> list[tuple[Job, bool]]:
    if columns["batch_id"] is not None:
        raise InvalidOption("A job of a batch takes no unique key")
    met = write_unique(columns, rows, keys, policy)
    wake_on_commit(columns["queue"])
    jobs = Job.objects.in_bulk([job_id for job_id, _ in met])
    return [(jobs[job_id], written) for job_id, written in met]


def _columns(handler: Handler, **options: Unpack[Options]) -> dict[str, Any]:
    """Return the columns that all rows of one call share, every one checked."""
    queue, owner = options.get("queue"), options.get("owner")
    tries = options.get("max_attempts")
    if tries is not None and (
        isinstance(tries, bool) or tries not in range(1, MAX_TRIES)
    ):
        raise InvalidOption(f"max_attempts must be from 1 to {MAX_TRIES - 1}")
    return {
        "type": handler.name,
        "queue": handler.queue if queue is None else registry.check_queue(queue),
        "priority": check_priority(options.get("priority", DEFAULT_PRIORITY)),
        "run_at": check_run_at(options.get("run_at")),
        "unique_key": check_key(options.get("unique_key")),
        "max_attempts": handler.max_attempts if tries is None else tries,
        "owner_id": None if owner is None else owner.pk,
        "source": options.get("source", "code"),
        "batch_id": options.get("batch_id"),
        "limit_name": handler.limit.name if handler.limit else None,
    }


def check_run_at(run_at: object) -> datetime | None:
    """Return the moment, or raise InvalidRunAt."""
    if run_at is None:
        return None
    if not isinstance(run_at, datetime) or timezone.is_naive(run_at):
        raise InvalidRunAt("The due time must be a date and time with a time zone")
    now = timezone.now()
    if run_at < now - CLOCK_SKEW:
        raise InvalidRunAt("The due time lies in the past")
    if run_at > now + HORIZON:
        raise InvalidRunAt("The due time lies more than ten years ahead")
    return run_at


def _insert(columns: dict[str, Any], rows: Sequence[str]) -> list[Job]:
    """Write the rows in one statement."""
    if not rows:
        return []
    keys = _limit_keys(columns, rows)
    ids, run_at, created_at = _write(columns, rows, keys)
    wake_on_commit(columns["queue"])
    shared = {**columns, "run_at": run_at, "created_at": created_at}
    return [
        _as_model(shared, id=job_id, payload=document, limit_key=key)
        for job_id, document, key in zip(
            ids, map(json.loads, rows), keys or repeat(None), strict=False
        )
    ]


def _write(
    columns: dict[str, Any], rows: Sequence[str], keys: Sequence[str | None]
) -> tuple[list[int], datetime, datetime]:
    """Return the ids, and the due time and the birth that all share."""
    with connection.cursor() as cursor:
        if len(rows) == 1:
            one = {"payload": rows[0], "limit_key": keys[0] if keys else None}
            cursor.execute(*_insert_one({**columns, **one}))
            job_id, created_at = cursor.fetchone()
            run_at = columns["run_at"]
            return (
                [job_id],
                run_at.astimezone(UTC) if run_at else created_at,
                created_at,
            )
        many = {"payloads": list(rows), "limit_keys": list(keys) or None}
        cursor.execute(INSERT, {**columns, **many})
        ids, run_at, created_at = cursor.fetchone()
        return ids, run_at, created_at


def _insert_one(row: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the statement that writes this row, and its values."""
    return _inserting(tuple(name for name in RARE if row[name] is not None)), row


@cache
def _inserting(rare: tuple[str, ...]) -> str:
    return INSERT_ONE.format(
        more="".join(f", {RARE[name]}" for name in rare),
        values="".join(f", %({name})s" for name in rare),
    )


def _limit_keys(columns: dict[str, Any], rows: Sequence[str]) -> list[str | None]:
    """Return the key of each row under its type's limit; none for other types."""
    if columns["limit_name"] is None:
        return []
    handler = registry.get(columns["type"])
    return [payload.limit_key(handler, json.loads(text)) for text in rows]


def _as_model(shared: dict[str, Any], **own: object) -> Job:
    """Return a row just written as a model, every field as the database holds it.

    Filled in, not built: ten thousand models would cost more than their rows.
    """
    job = Job.__new__(Job)
    state = ModelState()
    state.adding, state.db = False, DEFAULT_DB_ALIAS
    job.__dict__.update(_blank(), _state=state, **shared, **own)
    return job


@cache
def _blank() -> dict[str, Any]:
    """Return the fields of a job to which nothing has happened yet."""
    job = Job(
        status=State.PENDING, failures=0, losses=0, crashes=0, needed=False
    ).__dict__
    return {name: value for name, value in job.items() if name != "_state"}
