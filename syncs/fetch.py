"""Read one stream page by page; rows and the place to go on from commit together."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from queues.running import RunningJob
from syncs import clock, gates, turn
from syncs.errors import CursorInvalid, PaginationLoop, QualityHeld, Wait
from syncs.models import Connection, Quarantined, Run, StreamRun, StreamState
from syncs.periods import period_of
from syncs.ports import Applied, Page, Period, provider
from syncs.states import StreamStatus
from syncs.tell import tell

RESUMES_WITHIN = timedelta(hours=48)
"""A pass that another run left half done is gone on with if it is no older."""
REMEMBERED = 5


@dataclass(slots=True)
class Reading:
    """One stream of one run, and where in it we are."""

    run: Run
    link: Connection
    row: StreamRun
    period: Period | None
    state: StreamState
    seen: set[str] = field(default_factory=set)
    """Pages asked for in this turn: one that comes again is a loop."""

    @property
    def scope(self) -> str:
        """The pass that this reading belongs to."""
        return "" if self.period is None else str(self.period)


def open_stream(run: Run, link: Connection, row: StreamRun) -> Reading:
    """Return the stream at the place where the last committed page left it."""
    period = period_of(run)
    scope = "" if period is None else str(period)
    state, _new = StreamState.objects.get_or_create(
        connection=link, stream=row.stream, scope=scope
    )
    reading = Reading(run, link, row, period, state)
    if state.page_cursor is not None and row.pages == 0:
        _go_on(reading)
    return reading


def step(job: RunningJob, reading: Reading) -> bool:
    """Fetch and store the next page; tell whether it was the last one.

    Raises what the provider's adapter raises, then nothing of the page is stored.
    """
    cursor = reading.state.page_cursor
    adapter = provider(reading.link.provider)
    try:
        page = adapter.fetch(reading.link, reading.row.stream, reading.period, cursor)
    except CursorInvalid:
        if reading.row.restarts:
            raise
        _restart(job, reading, "cursor_reset")
        return False
    except Wait as wait:
        if wait.cursor is not None:
            _keep_place(job, reading, wait.cursor)
        raise
    _check_ahead(reading, page, cursor)
    return _commit(job, reading, page)


def _go_on(reading: Reading) -> None:
    """Go on with the pass of an earlier run, unless it is too old to be trusted."""
    state = reading.state
    if clock.now() - state.updated_at > RESUMES_WITHIN:
        state.page_cursor, state.pages_done, state.rows_done = None, 0, 0
        return
    row = reading.row
    row.pages, row.rows_seen = state.pages_done, state.rows_done
    row.save(update_fields=["pages", "rows_seen"])
    tell(reading.run, "resumed", stream=row.stream, page=state.pages_done)


def _check_ahead(reading: Reading, page: Page, cursor: str | None) -> None:
    """Refuse a page that leads to itself, or back."""
    reading.seen.add(cursor or "")
    if page.next_cursor is not None and page.next_cursor in reading.seen:
        raise PaginationLoop(
            f"{reading.row.stream}: a page leads back to one that was read already"
        )


def _commit(job: RunningJob, reading: Reading, page: Page) -> bool:
    """Store a page; with the last one the pass ends in the same transaction."""
    run, row = reading.run, reading.row
    with transaction.atomic():
        turn.guard(job, run)
        applied = provider(reading.link.provider).apply(
            reading.link, row.stream, reading.period, page, run=run
        )
        _quarantine(reading, page)
        _count(reading, page, applied)
        turn.advance(run)
        is_last = page.next_cursor is None
        is_held = is_last and _close(job, reading, page)
    # A checkpoint of the engine too: a job that gets ahead is no poison.
    job.save_checkpoint({"run": str(run.pk), "stream": row.stream, "page": row.pages})
    job.progress(row.rows_seen, row.expected, note=row.stream)
    if is_held:
        raise QualityHeld(
            f"{row.stream}: {row.rows_seen - row.repeated} rows came,"
            f" the provider counts {row.expected}",
            code="count",
        )
    return row.status == StreamStatus.COMPLETE


def _count(reading: Reading, page: Page, applied: Applied) -> None:
    row, state = reading.row, reading.state
    row.pages += 1
    row.rows_seen += len(page.rows)
    for name in ("inserted", "updated", "unchanged", "removed", "repeated"):
        setattr(row, name, getattr(row, name) + getattr(applied, name))
    row.quarantined += len(page.refused)
    row.expected = page.total if page.total is not None else row.expected
    row.as_of = page.as_of or row.as_of
    row.status, row.waiting_until = StreamStatus.RUNNING, None
    row.error, row.error_code, row.error_kind = "", "", None
    row.save()
    state.page_cursor = page.next_cursor
    state.pages_done, state.rows_done = row.pages, row.rows_seen
    StreamState.objects.filter(pk=state.pk).update(
        page_cursor=state.page_cursor,
        pages_done=state.pages_done,
        rows_done=state.rows_done,
        updated_at=Now(),
    )


def _close(job: RunningJob, reading: Reading, page: Page) -> bool:
    """End a pass whose count is right, repeat it once if not; tell if it is held back."""
    row = reading.row
    if not gates.is_off(row) or reading.run.accepts_quality:
        _complete(reading, page)
        return False
    if row.passes > 1:
        return True
    _restart(job, reading, "count_differs", passes=2)
    return False


def _complete(reading: Reading, page: Page) -> None:
    row, state = reading.row, reading.state
    count = row.rows_seen - row.repeated
    changes: dict[str, Any] = {"watermark": page.watermark} if page.watermark else {}
    StreamState.objects.filter(pk=state.pk).update(
        page_cursor=None, pages_done=0, rows_done=0, generation=F("generation") + 1,
        last_complete_at=Now(), last_count=count, updated_at=Now(),
        counts=[count, *state.counts][:REMEMBERED], **changes,
    )  # fmt: skip
    StreamRun.objects.filter(pk=row.pk).update(
        status=StreamStatus.COMPLETE, finished_at=Now()
    )
    tell(reading.run, "stream_complete", stream=row.stream, pages=row.pages, rows=count)
    row.status = StreamStatus.COMPLETE


def _restart(job: RunningJob, reading: Reading, code: str, *, passes: int = 1) -> None:
    """Begin the pass anew from its first page; what was stored stays."""
    row, state = reading.row, reading.state
    row.restarts += code == "cursor_reset"
    row.passes = max(row.passes, passes)
    row.pages = row.rows_seen = row.repeated = row.quarantined = 0
    state.page_cursor, state.pages_done, state.rows_done = None, 0, 0
    with transaction.atomic():
        turn.guard(job, reading.run)
        row.save()
        StreamState.objects.filter(pk=state.pk).update(
            page_cursor=None, pages_done=0, rows_done=0, updated_at=Now()
        )
        tell(reading.run, code, stream=row.stream, level="warning")
    reading.seen.clear()


def _keep_place(job: RunningJob, reading: Reading, cursor: str) -> None:
    with transaction.atomic():
        turn.guard(job, reading.run)
        StreamState.objects.filter(pk=reading.state.pk).update(
            page_cursor=cursor, updated_at=Now()
        )
    reading.state.page_cursor = cursor


def _quarantine(reading: Reading, page: Page) -> None:
    for refused in page.refused:
        place = {
            "connection": reading.link,
            "stream": reading.row.stream,
            "external_id": refused.external_id[:200],
        }
        rows = Quarantined.objects.filter(~Q(external_id=""), resolved_at=None, **place)
        facts = {"reason": refused.reason[:2000], "sample": dict(refused.sample)}
        if not rows.update(**facts, run=reading.run, seen_at=Now()):
            Quarantined.objects.create(**place, **facts, run=reading.run)
