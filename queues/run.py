"""Call the handler and name what happened; write nothing."""

import logging
import traceback
from collections.abc import Coroutine
from dataclasses import replace
from typing import cast

import structlog
from django.db import connection, connections
from django.utils import timezone

from queues import payload
from queues.alarm import alarm, error_of, shortest
from queues.backoff import asked
from queues.claims import Claim
from queues.errors import (
    Interrupted,
    InvalidJobData,
    PayloadTooLarge,
    QueueError,
)
from queues.expire import is_expired, reason
from queues.handlers import Handler, registry
from queues.loops import run_async
from queues.outcomes import Bury, Cancel, Outcome, Release, Retry, Snooze, Succeed
from queues.running import RunningJob

logger = logging.getLogger(__name__)

MAX_TEXT = 20_000
"""Characters kept of an error or a traceback; its end says most."""


def run(claim: Claim, *, budget: float | None = None) -> Outcome:
    """Call the handler of a claimed job and return how it ended.

    `budget` is the seconds that this process may still spend; a handler that
    would need more is interrupted and its job handed back.
    """
    fields = {"job_id": claim.job_id, "job_type": claim.type, "attempt": claim.number}
    with structlog.contextvars.bound_contextvars(**fields):
        claim.begin()
        in_atomic = connection.in_atomic_block
        try:
            return _call(claim, budget)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is its end
            return _failed(claim, error)
        finally:
            claim.end()
            _tidy(in_atomic=in_atomic)


def _call(claim: Claim, budget: float | None) -> Outcome:
    try:
        handler = registry.get(claim.type)
        data = payload.parse(handler, claim.payload)
    except QueueError as error:
        return Bury(str(error))
    if handler.max_age is not None and is_expired(claim.job_id, handler.max_age):
        return Bury(reason(handler.max_age))
    job = RunningJob(claim)
    value = _apply(handler, data, job, budget)
    # A handler that was told of the cancel and came back has stopped half-way.
    return Cancel() if job.was_told else _named(value)


def _apply(
    handler: Handler, data: object, job: RunningJob, budget: float | None
) -> object:
    if handler.is_async:
        return run_async(
            cast("Coroutine[object, object, object]", handler.call(data, job)),
            limit=shortest(handler.timeout, budget),
            error=error_of(handler.timeout, budget),
        )
    with alarm(handler.timeout, budget):
        return handler.call(data, job)


def _named(value: object) -> Outcome:
    """Return the outcome that a handler's return value stands for."""
    if isinstance(value, Snooze | Retry | Bury):
        return value
    result = value.result if isinstance(value, Succeed) else value
    try:
        if result is not None:
            payload.check_result(result)
    except (InvalidJobData, PayloadTooLarge) as error:
        # Running it again would repeat the work and end the same way.
        return Bury(f"The result cannot be stored: {error}")
    return Succeed(result)


def _failed(claim: Claim, error: Exception) -> Outcome:
    text = payload.printable("".join(traceback.format_exception(error))[-MAX_TEXT:])
    line = payload.printable(f"{type(error).__name__}: {error}"[:MAX_TEXT])
    if isinstance(error, Interrupted):
        return Release(str(error))
    logger.warning("job failed: %s", line, exc_info=error)
    outcome = _judged(claim, error, line)
    if isinstance(outcome, Snooze):
        return outcome
    return replace(outcome, traceback=text)


def _judged(claim: Claim, error: Exception, line: str) -> Retry | Bury | Snooze:
    """Return what the type's policy says of an error, however odd the two are."""
    try:
        policy = registry.get(claim.type).retry
        wait = asked(error, now=timezone.now())
        return policy.outcome(error, failures=claim.failures + 1, wait=wait, line=line)
    except Exception as broken:
        logger.warning("no policy for %s: %s", claim.type, broken, exc_info=broken)
        return Retry(error=line)


def _tidy(*, in_atomic: bool) -> None:
    """Drop connections that the handler broke or left inside a transaction.

    Others are not asked whether they live: the next statement finds out, and a verdict
    is written again over a fresh one.
    """
    for each in connections.all(initialized_only=True):
        if not each.in_atomic_block:
            if each.errors_occurred or not each.get_autocommit():
                each.close_if_unusable_or_obsolete()
        elif not in_atomic:
            each.close()
