"""Write jobs in the caller's transaction, and ring on its commit."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction
from django.utils import timezone

from queues import payload
from queues.errors import InvalidOption, InvalidPriority, InvalidRunAt
from queues.handlers import Handler, registry
from queues.models import Job
from queues.models.job import DEFAULT_PRIORITY
from queues.states import LIVE, State
from queues.wake import wake_on_commit

CLOCK_SKEW = timedelta(minutes=5)
"""A `run_at` this far in the past is a slow caller; further is a mistake."""
HORIZON = timedelta(days=3653)
MAX_KEY_LENGTH = 200
MAX_TRIES = 1000
CHUNK = 5000

INSERT = """
INSERT INTO jobs (type, queue, payload, priority, run_at, unique_key,
                  max_attempts, user_id, source, limit_name, limit_key)
SELECT %(type)s, %(queue)s, row.payload::jsonb, %(priority)s,
       coalesce(%(run_at)s::timestamptz, statement_timestamp()), %(unique_key)s,
       %(max_attempts)s, %(owner_id)s, %(source)s, %(limit_name)s, row.limit_key
FROM unnest(%(payloads)s::text[], %(limit_keys)s::text[])
    WITH ORDINALITY AS row (payload, limit_key, place)
ORDER BY row.place
ON CONFLICT (type, unique_key)
    WHERE status IN ('pending', 'processing') AND unique_key IS NOT NULL DO NOTHING
RETURNING id, run_at, created_at
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


def enqueue(
    type: str,  # noqa: A002 - the word of the row, the API and the seeds
    data: object = None,
    *,
    on_conflict: str = "keep",
    **options: Unpack[Options],
) -> Job:
    """Write one job in the caller's transaction; return it.

    With a `unique_key` that a live job of the type holds, return that job.
    Raises InvalidJobType, UnknownJobType, InvalidJobData, PayloadTooLarge,
    InvalidPriority, InvalidRunAt, UnknownQueue or InvalidOption, and then
    writes nothing.
    """
    if on_conflict != "keep":
        raise InvalidOption(f"Unknown on_conflict: {on_conflict}")
    handler = registry.get(type)
    columns = _columns(handler, **options)
    rows = [payload.encode(handler, {} if data is None else data)]
    while True:
        if written := _insert(columns, rows):
            return written[0]
        # Another live job holds the key; should it end right now, write after all.
        held = Job.objects.filter(
            type=type, unique_key=columns["unique_key"], status__in=LIVE
        )
        if job := held.first():
            return job


def enqueue_many(
    type: str,  # noqa: A002
    datas: Iterable[object],
    **options: Unpack[Options],
) -> list[Job]:
    """Write a job for each data, in order, all or none; raises as `enqueue` does."""
    if options.get("unique_key") is not None:
        raise InvalidOption("enqueue_many takes no unique_key: its jobs would be one")
    handler = registry.get(type)
    columns = _columns(handler, **options)
    rows = [payload.encode(handler, data) for data in datas]
    if len(rows) <= CHUNK:
        return _insert(columns, rows)
    with transaction.atomic():
        chunks = (rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK))
        return [job for chunk in chunks for job in _insert(columns, chunk)]


def _columns(handler: Handler, **options: Unpack[Options]) -> dict[str, Any]:
    """Return the columns that all rows of one call share, every one checked."""
    queue, owner = options.get("queue"), options.get("owner")
    priority = options.get("priority", DEFAULT_PRIORITY)
    if isinstance(priority, bool) or priority not in range(1, 10):
        raise InvalidPriority
    tries = options.get("max_attempts")
    if tries is not None and (
        isinstance(tries, bool) or tries not in range(1, MAX_TRIES)
    ):
        raise InvalidOption(f"max_attempts must be from 1 to {MAX_TRIES - 1}")
    return {
        "type": handler.name,
        "queue": handler.queue if queue is None else registry.check_queue(queue),
        "priority": int(priority),
        "run_at": check_run_at(options.get("run_at")),
        "unique_key": _check_key(options.get("unique_key")),
        "max_attempts": handler.max_attempts if tries is None else tries,
        "owner_id": None if owner is None else owner.pk,
        "source": options.get("source", "code"),
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


def _check_key(key: object) -> str | None:
    if key is None:
        return None
    if (
        not isinstance(key, str)
        or not 0 < len(key) <= MAX_KEY_LENGTH
        or payload.printable(key) != key
    ):
        raise InvalidOption(
            f"A unique key is a text of 1 to {MAX_KEY_LENGTH} characters"
        )
    return key


def _insert(columns: dict[str, Any], rows: Sequence[str]) -> list[Job]:
    """Write the rows in one statement; those that a unique key refuses are left out."""
    if not rows:
        return []
    keys = _limit_keys(columns, rows)
    values = {**columns, "payloads": list(rows), "limit_keys": keys or None}
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)
        written = cursor.fetchall()
    if written:
        wake_on_commit(columns["queue"])
    shared = {name: value for name, value in columns.items() if name != "run_at"}
    jobs = [
        _as_model(shared, text, *row) for text, row in zip(rows, written, strict=False)
    ]
    for job, key in zip(jobs, keys, strict=False):
        job.limit_key = key
    return jobs


def _limit_keys(columns: dict[str, Any], rows: Sequence[str]) -> list[str | None]:
    """Return the key of each row under its type's limit; none for other types."""
    if columns["limit_name"] is None:
        return []
    handler = registry.get(columns["type"])
    return [payload.limit_key(handler, json.loads(text)) for text in rows]


def _as_model(
    columns: dict[str, Any],
    text: str,
    job_id: int,
    run_at: datetime,
    created_at: datetime,
) -> Job:
    """Return the row as a model, every field as the database holds it."""
    job = Job(
        id=job_id,
        payload=json.loads(text),
        run_at=run_at,
        created_at=created_at,
        status=State.PENDING,
        failures=0,
        losses=0,
        **columns,
    )
    job._state.adding = False  # noqa: SLF001 - as Model.from_db does
    job._state.db = connection.alias  # noqa: SLF001
    return job
