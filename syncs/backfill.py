"""Read the history of a store: in slices, the newest first, behind everything else."""

from dataclasses import asdict
from datetime import date, timedelta

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from queues import audit
from syncs import clock
from syncs.errors import AlreadyOver, InvalidPeriod, NothingToSync, SyncError
from syncs.models import Backfill, Connection, Run, Store
from syncs.ports import Archive, Estimate, Period, known, provider
from syncs.request import Wish, request
from syncs.states import (
    OPEN,
    UNFINISHED,
    BackfillStatus,
    ConnectionStatus,
    Kind,
    Outcome,
    Trigger,
)

LONGEST = 3660
LAST = 10
"""The priority of a slice: everything else goes first."""
DAY = timedelta(days=1)

# Those whose slice is gone: nothing runs, nothing waits, and nothing will ask. And how
# the last slice ended: one that a person cancelled is not asked for again.
FORGOTTEN = """
SELECT history.id, last.outcome, last.error_message, last.error_code
FROM sync_backfills AS history LEFT JOIN LATERAL (
    SELECT status, outcome, error_message, error_code FROM sync_queue
    WHERE kind = 'backfill' AND scope = history.id::text
      AND store_id = history.store_id
    ORDER BY status IN ('queued', 'processing') DESC, queued_at DESC LIMIT 1
) AS last ON true
WHERE history.status = 'running'
  AND coalesce(last.status, '') NOT IN ('queued', 'processing')
"""


def days_of(store: Store, start: date, end: date) -> Period:
    """Return the days of a history; raise InvalidPeriod."""
    if start > end:
        raise InvalidPeriod(_("The period ends before it begins"))
    if (end - start).days >= LONGEST:
        raise InvalidPeriod(
            _("A history has at most %(days)s days") % {"days": LONGEST}
        )
    if end > clock.day(clock.now(), store.timezone):
        raise InvalidPeriod(_("The period lies in the future"))
    return Period(start, end)


def look_ahead(
    store: Store, period: Period, *, slice_days: int | None = None
) -> Estimate:
    """Ask the providers what a history comes to; outside of any transaction.

    Raises NothingToSync where no connection has a history, and what a call raises.
    """
    archives = [
        (link, adapter)
        for link in _links(store)
        if isinstance(adapter := provider(link.provider), Archive)
    ]
    if not archives:
        raise NothingToSync(_("No connection of this store has a history to read"))
    found = [
        adapter.estimate(link, period, slice_days=slice_days)
        for link, adapter in archives
    ]
    total = found[0]
    for each in found[1:]:
        total = total.plus(each)
    return total


def begin(
    store: Store, period: Period, estimate: Estimate, *, user: User | None = None
) -> Backfill:
    """Write the history down and ask for its newest slice.

    Raises AlreadyOver if one of this store is not done yet, and what `request` raises.
    """
    with transaction.atomic():
        Store.objects.select_for_update(no_key=True).get(pk=store.pk)
        if Backfill.objects.filter(store=store, status__in=UNFINISHED).exists():
            raise AlreadyOver(_("A history of this store is being read already"))
        made = Backfill.objects.create(
            store=store, first_day=period.start, last_day=period.end,
            left_until=period.end, slice_days=estimate.slice_days,
            preview=asdict(estimate), user=user,
        )  # fmt: skip
        _ask(made)
        audit.record("backfill.begin", made, label=str(store), after=asdict(estimate))
    return made


def go_on(run: Run, outcome: Outcome, text: str, code: str) -> None:
    """Take the end of a slice in, and ask for the next one, in the caller's transaction."""
    made = _held().filter(pk=run.scope).first()
    if made is None or made.status not in UNFINISHED or run.period_start is None:
        return
    if outcome in {Outcome.SUCCEEDED, Outcome.PARTIAL}:
        made.left_until = run.period_start - DAY
        made.slices_done += 1
        if made.left_until < made.first_day:
            made.status = BackfillStatus.COMPLETED
    elif made.status == BackfillStatus.RUNNING:
        _stop(made, text, code)
    _write(made)
    if made.status == BackfillStatus.RUNNING:
        _ask_or_stop(made)


def pause(made: Backfill) -> None:
    """Let the slice that is under way end, and ask for no other."""
    _steer(made, [BackfillStatus.RUNNING], BackfillStatus.PAUSED, "backfill.pause")


@transaction.atomic
def resume(made: Backfill) -> None:
    """Go on where a pause or an error has left it."""
    stopped = [BackfillStatus.PAUSED, BackfillStatus.STOPPED]
    held = _steer(made, stopped, BackfillStatus.RUNNING, "backfill.resume")
    if not _slices(held).exists():
        _ask(held)


def cancel(made: Backfill) -> None:
    """Ask for no further slice; what was read stays."""
    _steer(made, list(UNFINISHED), BackfillStatus.CANCELLED, "backfill.cancel")


def look_after() -> int:
    """Ask again for slices that are gone; count them. The tick does, in its transaction."""
    with connection.cursor() as cursor:
        cursor.execute(FORGOTTEN)
        ends = {key: end for key, *end in cursor.fetchall()}
    running = _held().filter(pk__in=ends, status=BackfillStatus.RUNNING)
    for made in running:
        outcome, text, code = ends[made.pk]
        if outcome in {Outcome.FAILED, Outcome.CANCELLED}:
            _stop(made, text or "", code)
            _write(made)
        else:
            _ask_or_stop(made)
    return len(ends)


def _links(store: Store) -> list[Connection]:
    return list(
        Connection.objects.filter(
            store=store, status=ConnectionStatus.ACTIVE, provider__in=known()
        ).select_related("store")
    )


def _held() -> "QuerySet[Backfill]":
    return Backfill.objects.select_for_update(no_key=True)


def _slices(made: Backfill) -> "QuerySet[Run]":
    return Run.objects.filter(
        store=made.store_id, kind=Kind.BACKFILL, scope=str(made.pk), status__in=OPEN
    )


def _ask(made: Backfill) -> None:
    """Ask for the newest slice that is left."""
    first = max(made.first_day, made.left_until - (made.slice_days - 1) * DAY)
    wish = Wish(priority=LAST, kind=Kind.BACKFILL, scope=str(made.pk),
                trigger=Trigger.SYSTEM, user=made.user)  # fmt: skip
    request(made.store, Period(first, made.left_until), wish)


def _ask_or_stop(made: Backfill) -> None:
    try:
        _ask(made)
    except SyncError as error:
        _stop(made, str(error))
        _write(made)


def _stop(made: Backfill, text: str, code: str = "") -> None:
    made.status, made.reason = BackfillStatus.STOPPED, text
    made.reason_code = code[:60]


def _write(made: Backfill) -> None:
    over = made.status not in UNFINISHED
    Backfill.objects.filter(pk=made.pk).update(
        left_until=made.left_until, slices_done=made.slices_done, status=made.status,
        reason=made.reason[:2000], reason_code=made.reason_code,
        ended_at=Now() if over else None,
    )  # fmt: skip


@transaction.atomic
def _steer(
    made: Backfill, before: list[BackfillStatus], after: BackfillStatus, action: str
) -> Backfill:
    held = _held().get(pk=made.pk)
    if held.status not in before:
        raise AlreadyOver(
            _("This history is %(status)s") % {"status": held.get_status_display()}
        )
    held.status, held.reason, held.reason_code = after, "", ""
    _write(held)
    audit.record(action, held, label=str(held.store), after={"status": str(after)})
    return held
