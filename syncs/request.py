"""Ask for a sync: one row of the queue, shared by all that ask before it begins."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from queues import audit
from queues.enqueue import enqueue
from syncs.errors import AlreadyOver, InvalidRequest, NothingToSync
from syncs.models import Connection, Run, Store
from syncs.models.runs import BEGUN
from syncs.periods import period_of
from syncs.ports import Period
from syncs.states import (
    OVER,
    ConnectionStatus,
    DataType,
    Kind,
    Outcome,
    RunStatus,
    Trigger,
)

JOB = "sync-store"

# The row is the request: those who come before it begins share it, at the most urgent
# of their priorities, for all of their data. Its trigger sees to the job.
WRITE = """
INSERT INTO sync_queue AS held (
    store_id, period_start, period_end, priority, kind, scope, data_types, trigger,
    user_id, triggered_by, is_forced, accepts_quality, retry_of_id)
VALUES (
    %(store)s, %(start)s, %(end)s, %(priority)s, %(kind)s, %(scope)s,
    %(types)s::text[], %(trigger)s, %(user)s, %(triggered_by)s, %(forced)s,
    %(accept)s, %(retry_of)s)
ON CONFLICT (dedupe_key) WHERE status = 'queued' AND started_at IS NULL
DO UPDATE SET
    priority = least(held.priority, excluded.priority),
    data_types = CASE
        WHEN held.data_types IS NULL OR excluded.data_types IS NULL THEN NULL
        ELSE ARRAY(SELECT unnest(held.data_types) UNION SELECT unnest(excluded.data_types)
                   ORDER BY 1) END,
    is_forced = held.is_forced OR excluded.is_forced,
    accepts_quality = held.accepts_quality OR excluded.accepts_quality
RETURNING id, xmax = 0, dedupe_key
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """The run that answers a request, and whether the request made it."""

    run: Run
    created: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for beside the store and the days; checked when it is made.

    `join` takes a run that has begun already as the answer, which is what people mean
    who look at a page; everybody else gets a run that starts after they asked.
    """

    types: Collection[str] | None = None
    priority: int = 5
    kind: str = Kind.REPORT
    scope: str = ""
    trigger: str = Trigger.SYSTEM
    user: User | None = None
    triggered_by: str = ""
    forced: bool = False
    accept: bool = False
    join: bool = False
    retry_of: Run | None = None

    def __post_init__(self) -> None:
        """Raise InvalidRequest for what means nothing."""
        if unknown := set(self.types or ()) - set(DataType.values):
            raise InvalidRequest(
                _("Unknown data: %(names)s") % {"names": ", ".join(sorted(unknown))}
            )
        if isinstance(self.priority, bool) or self.priority not in range(1, 11):
            raise InvalidRequest(_("A priority is a number from 1 to 10"))


def request(store: Store, period: Period | None, wish: Wish | None = None) -> Asked:
    """Ask for the numbers of a store anew, in the caller's transaction.

    Returns the run that will answer, and whether it is a new one. Raises NothingToSync
    if the store has no connection that may be called.
    """
    wish = wish or Wish()
    _check_callable(store)
    if wish.join and (found := _begun(store, period, wish)) is not None:
        return Asked(found, created=False)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(WRITE, _values(store, period, wish))
            run_id, created, key = cursor.fetchone()
        # The trigger has enqueued it; this rings the bell as well.
        data = {"store": str(store.pk), "key": key}
        options: dict[str, Any] = {"unique_key": key, "on_conflict": "coalesce"}
        enqueue(JOB, data, priority=min(wish.priority, 9), source="sync", **options)
    return Asked(Run.objects.get(pk=run_id), created=created)


def retry(run: Run, *, user: User | None = None, accept: bool = False) -> Asked:
    """Ask anew for what a run was for; the old one stays as it ended."""
    wish = Wish(
        types=run.data_types, priority=run.priority, kind=run.kind, scope=run.scope,
        trigger=Trigger.USER, user=user, forced=True, accept=accept, retry_of=run,
    )  # fmt: skip
    with transaction.atomic():
        asked = request(run.store, period_of(run), wish)
        action = "sync.accept" if accept else "sync.retry"
        audit.record(action, run, label=str(run.store), after={"run": asked.run.pk})
    return asked


@transaction.atomic
def cancel(run: Run, *, reason: str = "") -> Run:
    """End a waiting run at once, a running one at its next page; return it.

    Raises AlreadyOver for one that has ended.
    """
    held = Run.objects.select_for_update(no_key=True).get(pk=run.pk)
    if held.status in OVER:
        raise AlreadyOver(_("This sync has ended already"))
    if held.status == RunStatus.QUEUED:
        held.status, held.outcome = RunStatus.FAILED, Outcome.CANCELLED
        held.error_message = reason or "Cancelled"
        held.error_code = "" if reason else "cancelled"
        held.save(update_fields=["status", "outcome", "error_message", "error_code"])
    else:
        Run.objects.filter(pk=held.pk).update(cancel_requested_at=Now())
    audit.record("sync.cancel", held, label=str(held.store), reason=reason)
    held.refresh_from_db()
    return held


def _check_callable(store: Store) -> None:
    known = list(
        Connection.objects.filter(store=store).values_list("status", "provider")
    )
    if any(status == ConnectionStatus.ACTIVE for status, _provider in known):
        return
    if not known:
        raise NothingToSync(_("This store has no connection yet: add one"))
    if any(status == ConnectionStatus.AUTH_ERROR for status, _provider in known):
        raise NothingToSync(_("Access was refused: give this store a new token"))
    raise NothingToSync(_("Every connection of this store is paused"))


def _begun(store: Store, period: Period | None, wish: Wish) -> Run | None:
    """Return the run of the same key that has begun, if it brings all that is asked."""
    values = _values(store, period, wish)
    rows = Run.objects.filter(
        BEGUN, store=store, kind=wish.kind, scope=wish.scope,
        period_start=values["start"], period_end=values["end"],
    )  # fmt: skip
    for run in rows:
        if run.data_types is None or set(wish.types or DataType.values) <= set(
            run.data_types
        ):
            return run
    return None


def _values(store: Store, period: Period | None, wish: Wish) -> dict[str, Any]:
    return {
        "store": store.pk,
        "start": period and period.start,
        "end": period and period.end,
        "priority": wish.priority,
        "kind": wish.kind,
        "scope": wish.scope,
        "types": None if wish.types is None else sorted(set(wish.types)),
        "trigger": wish.trigger,
        "user": wish.user and wish.user.pk,
        "triggered_by": wish.triggered_by or (wish.user and wish.user.get_username()),
        "forced": wish.forced,
        "accept": wish.accept,
        "retry_of": wish.retry_of and wish.retry_of.pk,
    }
