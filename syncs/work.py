"""Run a sync for one slice of time: every stream gets on, what is whole is published."""

import logging
import time

from django.db import transaction
from django.db.models.functions import Now

from queues.errors import ClaimLost
from queues.outcomes import Snooze
from queues.running import RunningJob
from syncs import clock, fetch, links, turn
from syncs.errors import (
    ContractBroken,
    ProviderError,
    QualityHeld,
    Superseded,
    Transient,
    Wait,
)
from syncs.finish import DONE, Turn, end, finish, give_up
from syncs.judge import Verdict, judge
from syncs.models import Connection, Run, StreamRun
from syncs.states import ErrorKind, Kind, Outcome, StreamStatus
from syncs.tell import tell

logger = logging.getLogger(__name__)

SLICE = 120.0
"""Seconds of a run at a stretch, while others wait."""
TWICE = 2
MET = {
    Verdict.WAIT: StreamStatus.WAITING,
    Verdict.RETRY: StreamStatus.WAITING,
    Verdict.HOLD: StreamStatus.HELD,
    Verdict.FAIL: StreamStatus.FAILED,
    Verdict.SHUT: StreamStatus.FAILED,
}
"""Where a stream stands after an error with that verdict."""
ERROR = ("status", "error", "error_code", "error_kind")


def work(key: str, job: RunningJob, *, seconds: float = SLICE) -> object:
    """Take up the run of that key; return what its job should do next."""
    try:
        run = turn.begin(job, key)
        if run is None:
            return {"nothing": "there is no sync of this key to run"}
        if run.not_before is not None:
            return Snooze(run.not_before)
        ended = _turn(Turn(job, run, time.monotonic() + seconds))
    except Superseded as error:
        logger.info("%s", error)
        ended = None
    # A request that came meanwhile has a row of its own, and this is its job too.
    if isinstance(ended, Snooze):
        return ended
    return Snooze(0) if turn.has_more(key) else ended


def _turn(now: Turn) -> object:
    run = now.run
    if run.cancel_requested_at is not None:
        _cancelled(now)
        return {"outcome": Outcome.CANCELLED}
    now.links = links.of(run)
    if not now.links:
        return end(
            now,
            Outcome.FAILED,
            "No connection of this store may be called",
            ErrorKind.CONFIG,
            "nothing_to_call",
        )
    _plan(now)
    for link in now.links:
        _read(now, link)
    return finish(now)


def _plan(now: Turn) -> None:
    """Write a row for each stream; what an earlier turn completed stays complete."""
    for link in now.links:
        for name in links.streams_of(now.run, link):
            row, _new = StreamRun.objects.get_or_create(
                run=now.run, connection=link, stream=name, defaults=_start(now.run)
            )
            now.streams.append(row)


def _start(run: Run) -> dict[str, object]:
    """Return how a stream begins: what is computed anew was read before."""
    if run.kind != Kind.RECOMPUTE:
        return {}
    return {
        "status": StreamStatus.COMPLETE, "started_at": Now(), "finished_at": Now(),
    }  # fmt: skip


def _read(now: Turn, link: Connection) -> None:
    """Read what is left of a connection, stream by stream."""
    for row in now.streams:
        if row.connection_id != link.pk or row.status in DONE:
            continue
        if now.is_over:
            return
        if links.rests(link):
            now.waits.append(_rest(link))
            return
        error = _tried(now, link, row)
        if error is not None and _met(now, link, row, error):
            return


def _tried(now: Turn, link: Connection, row: StreamRun) -> ProviderError | None:
    """Read a stream; return its error: one stream's fault does not stop the others."""
    try:
        _pages(now, link, row)
    except (ClaimLost, Superseded):
        raise
    except ProviderError as error:
        return error
    except Exception as error:
        logger.exception("run %s: %s failed", now.run.pk, row.stream)
        return Transient(f"{type(error).__name__}: {error}", code="internal")
    return None


def _pages(now: Turn, link: Connection, row: StreamRun) -> None:
    reading = fetch.open_stream(now.run, link, row)
    if row.started_at is None:
        StreamRun.objects.filter(pk=row.pk).update(
            started_at=Now(), status=StreamStatus.RUNNING
        )
        row.refresh_from_db()
    broken = 0
    while True:
        try:
            if fetch.step(now.job, reading):
                return
        except ContractBroken:
            broken += 1
            if broken == TWICE:
                raise
            continue
        if _must_stop(now, link):
            now.is_over = True
            return


def _must_stop(now: Turn, link: Connection) -> bool:
    """Look up between two pages: is the slice over, or has somebody said stop?"""
    run = Run.objects.filter(pk=now.run.pk).values("cancel_requested_at").first()
    if run is None:
        raise Superseded(f"run {now.run.pk} is gone")
    if run["cancel_requested_at"] is not None or now.job.cancelled():
        _cancelled(now)
        raise Superseded(f"run {now.run.pk} was cancelled")
    if not Connection.objects.filter(pk=link.pk, status="active").exists():
        turn.end(
            now.job,
            now.run,
            Outcome.CANCELLED,
            text="The connection was paused",
            code="paused",
        )
        raise Superseded(f"run {now.run.pk}: {link} was paused")
    return time.monotonic() >= now.until


def _cancelled(now: Turn) -> None:
    turn.end(
        now.job, now.run, Outcome.CANCELLED, text="Cancelled", code="cancelled"
    )  # fmt: skip


def _rest(link: Connection) -> Wait:
    until = link.breaker_until or clock.now()
    return Wait(
        f"{link} rests after {link.consecutive_errors} errors",
        until=until,
        scope="breaker",
    )


def _met(now: Turn, link: Connection, row: StreamRun, error: ProviderError) -> bool:
    """Note an error of a stream; tell whether the connection is to be left alone now."""
    verdict = judge(error)
    status = MET[verdict]
    with transaction.atomic():
        turn.guard(now.job, now.run)
        row.status, row.error, row.error_kind = status, str(error)[:2000], error.kind
        row.error_code = error.code[:60]
        row.waiting_until = error.until if isinstance(error, Wait) else None
        row.save(update_fields=[*ERROR, "waiting_until"])
        level = "info" if verdict == Verdict.WAIT else "warning"
        tell(now.run, f"stream_{verdict}", str(error), level=level, stream=row.stream,
             kind=str(error.kind), code=error.code, endpoint=error.endpoint)  # fmt: skip
    if isinstance(error, Wait):
        now.waits.append(error)
        return error.kind == ErrorKind.RATE_LIMIT and error.scope == ""
    now.faults.append(error)
    if not isinstance(error, QualityHeld):
        links.erred(link, error)
    if verdict == Verdict.SHUT:
        give_up(now, _left(now, link), str(error), error.code)
    return verdict == Verdict.SHUT


def _left(now: Turn, link: Connection) -> list[StreamRun]:
    """Return the streams of a connection that are still to be read."""
    return [
        row
        for row in now.streams
        if row.connection_id == link.pk and row.status not in DONE
    ]
