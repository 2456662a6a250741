"""Close the turn of a run: publish what is whole; then go on later, try again, or end."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from queues.outcomes import Snooze
from queues.running import RunningJob
from syncs import clock, links, turn
from syncs.errors import NotReady, ProviderError, Wait
from syncs.models import CacheEntry, Connection, Run, StreamRun
from syncs.periods import days_of
from syncs.publish import mark_failed, publish
from syncs.reasons import SEVERAL, code_of
from syncs.states import ErrorKind, Kind, Outcome, StreamStatus, Waiting

DONE = (StreamStatus.COMPLETE, StreamStatus.HELD, StreamStatus.FAILED)


@dataclass(slots=True)
class Turn:
    """What one turn of a run has to do, and what stood in its way."""

    job: RunningJob
    run: Run
    until: float
    links: list[Connection] = field(default_factory=list)
    streams: list[StreamRun] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    faults: list[ProviderError] = field(default_factory=list)
    is_over: bool = False
    """The slice is over before the streams are."""


def finish(now: Turn) -> object:
    """Publish what is whole; then go on later, try again, or end."""
    left = [row for row in now.streams if row.status not in DONE]
    retrying = [
        row
        for row in left
        if row.status == StreamStatus.WAITING and row.waiting_until is None
    ]
    published = publish(now.job, now.run, now.links, now.streams)
    if retrying and not turn.tries_left(now.run):
        give_up(now, retrying)
        left = [row for row in left if row not in retrying]
        retrying = []
    if left and turn.is_late(now.run):
        give_up(now, left, "it was not done within a day", "deadline")
        left = []
    if now.is_over:
        turn.give_way(now.job, now.run)
        return Snooze(0)
    if left:
        return _later(now, has_failed=bool(retrying))
    return _conclude(now, published.held)


def _later(now: Turn, *, has_failed: bool) -> Snooze:
    if has_failed:
        error = now.faults[-1]
        seconds = turn.WAITS[min(now.run.no_progress, len(turn.WAITS) - 1)]
        seconds *= random.uniform(0.8, 1.2)  # noqa: S311 - no secret
        turn.fail_try(now.job, now.run, kind=error.kind, code=error.code,
                      text=str(error), wait=seconds)  # fmt: skip
        return Snooze(seconds)
    first = min(now.waits, key=lambda each: each.until)
    until: datetime = max(first.until, clock.now() + timedelta(seconds=1))
    turn.wait(now.job, now.run, _why(first), until, str(first))
    return Snooze(until)


def _why(wait: Wait) -> Waiting:
    if wait.scope == "breaker":
        return Waiting.PAUSED
    if wait.kind == ErrorKind.QUOTA:
        return Waiting.QUOTA
    return Waiting.PROVIDER if isinstance(wait, NotReady) else Waiting.RATE_LIMIT


def give_up(
    now: Turn, rows: Iterable[StreamRun], why: str = "", code: str = ""
) -> None:
    """Let streams fail that are not read any further."""
    with transaction.atomic():
        turn.guard(now.job, now.run)
        for row in rows:
            row.status, row.waiting_until = StreamStatus.FAILED, None
            row.error, row.error_code = why or row.error, code or row.error_code
            row.save(update_fields=["status", "error", "error_code", "waiting_until"])


def _conclude(now: Turn, held: dict[str, str]) -> object:
    bad = [row for row in now.streams if row.status != StreamStatus.COMPLETE]
    for link in now.links:
        ours = [row for row in now.streams if row.connection_id == link.pk]
        if _called(now.run, ours):
            links.succeeded(link)
    aside = sum(row.quarantined for row in now.streams)
    lines = [_line(row) for row in bad] + [*held.values()]
    if not bad and not held:
        if not aside:
            return end(now, Outcome.SUCCEEDED)
        text = "1 row was" if aside == 1 else f"{aside} rows were"
        return end(now, Outcome.PARTIAL, f"{text} kept aside", code="kept_aside")
    whole = [row for row in now.streams if row.status == StreamStatus.COMPLETE]
    is_partial = (
        bool(whole) or bool(held) or any(r.status == StreamStatus.HELD for r in bad)
    )
    kind = next(
        (row.error_kind for row in bad if row.error_kind), ErrorKind.DATA_QUALITY
    )
    outcome = Outcome.PARTIAL if is_partial else Outcome.FAILED
    return end(now, outcome, "; ".join(lines), kind, _code(bad, held))


def _code(bad: list[StreamRun], held: dict[str, str]) -> str:
    """Return the one code of all that went wrong, or that it is several."""
    codes = {row.error_code for row in bad} | {*map(code_of, held.values())}
    return codes.pop() if len(codes) == 1 else SEVERAL


def _called(run: Run, rows: list[StreamRun]) -> bool:
    """Tell whether a connection was called, and answered all it was asked."""
    is_whole = all(row.status == StreamStatus.COMPLETE for row in rows)
    return bool(rows) and is_whole and run.kind != Kind.RECOMPUTE


def _line(row: StreamRun) -> str:
    """Return what became of a stream; what names it already names it once."""
    name, said = row.stream, row.error
    if said.casefold().startswith((f"{name}:", f"{name} ")):
        return said
    return f"{name}: {said}"


def end(
    now: Turn,
    outcome: Outcome,
    text: str = "",
    kind: str | None = None,
    code: str = "",
) -> object:
    """End the run, and tell the entries that it did not renew."""
    with transaction.atomic():
        turn.end(now.job, now.run, outcome, text=text, kind=kind, code=code)
        if now.run.kind == Kind.BACKFILL:
            pass  # it renews no numbers, and takes none away
        elif outcome == Outcome.FAILED:
            mark_failed(now.run, now.run.data_types, text, code)
        elif kind is not None:
            mark_failed(now.run, _unrenewed(now), text, code)
    return {"run": str(now.run.pk), "outcome": str(outcome)}


def _unrenewed(now: Turn) -> list[str]:
    rows = CacheEntry.objects.filter(**days_of(now.run)).exclude(run=now.run)
    if now.run.data_types is not None:
        rows = rows.filter(data_type__in=now.run.data_types)
    return list(rows.values_list("data_type", flat=True))
