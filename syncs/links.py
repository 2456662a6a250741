"""Which connections of a store are called, and what becomes of one that errs."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from queues import audit
from syncs import clock
from syncs.errors import AccessRefused, AccountLocked, ProviderError
from syncs.models import Connection, Run, Store
from syncs.ports import Stream, known, provider
from syncs.states import ConnectionStatus, Kind

ERRORS = 5
"""After so many errors in a row nobody calls for a while."""
ORDER = ("orders", "campaigns", "flows", "analytics", "customers", "products")
"""How data types are shown one after the other."""
RESTS = (
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)


def of(run: Run) -> list[Connection]:
    """Return the connections that a run calls."""
    rows = Connection.objects.filter(
        store=run.store_id, status=ConnectionStatus.ACTIVE, provider__in=known()
    )
    return list(rows.select_related("store").order_by("provider", "external_account"))


def streams_of(run: Run, link: Connection) -> list[str]:
    """Return the streams of a connection that a run reads, in the adapter's order."""
    wanted = None if run.data_types is None else set(run.data_types)
    return [
        stream.name
        for stream in provider(link.provider).streams.values()
        if _reads(run, stream) and (wanted is None or wanted & stream.data_types)
    ]


def _reads(run: Run, stream: Stream) -> bool:
    return stream.is_kept if run.kind == Kind.RECOMPUTE else run.kind in stream.kinds


def offered(store: Store) -> list[str]:
    """Return the data types that the connections of a store bring, whatever their state."""
    names = set(
        Connection.objects.filter(store=store).values_list("provider", flat=True)
    ) & set(known())
    kinds = {
        each
        for name in names
        for stream in provider(name).streams.values()
        for each in stream.data_types
    }
    return [each for each in ORDER if each in kinds] or list(ORDER[:4])


def rests(link: Connection, *, now: datetime | None = None) -> bool:
    """Tell whether a connection rests after errors."""
    return link.breaker_until is not None and link.breaker_until > (now or clock.now())


def told(links: Iterable[Connection], *, hold: bool = False) -> dict[UUID, Any]:
    """Return when each provider's own word of a change was stored last.

    With `hold` none is stored until the caller's transaction ends.
    """
    rows = Connection.objects.filter(pk__in=[each.pk for each in links])
    if hold:
        rows = rows.order_by("pk").select_for_update(no_key=True)
    return dict(rows.values_list("pk", "told_at"))


def succeeded(link: Connection) -> None:
    """Forget the errors of a connection: it works."""
    Connection.objects.filter(pk=link.pk).update(
        consecutive_errors=0, breaker_until=None, last_success_at=Now()
    )


def erred(link: Connection, error: ProviderError) -> None:
    """Count an error; shut a connection whose credentials or account are refused."""
    reason = str(error)[:2000]
    if isinstance(error, AccessRefused):
        _shut(link, ConnectionStatus.AUTH_ERROR, error.code, reason)
    elif isinstance(error, AccountLocked):
        _shut(link, ConnectionStatus.ACCOUNT_LOCKED, error.code, reason)
    Connection.objects.filter(pk=link.pk).update(
        consecutive_errors=F("consecutive_errors") + 1
    )
    link.refresh_from_db(fields=["consecutive_errors"])
    if (over := link.consecutive_errors - ERRORS) >= 0:
        rest = RESTS[min(over, len(RESTS) - 1)]
        Connection.objects.filter(pk=link.pk).update(breaker_until=Now() + rest)


def _shut(link: Connection, status: ConnectionStatus, code: str, reason: str) -> None:
    with transaction.atomic():
        rows = Connection.objects.filter(pk=link.pk, status=ConnectionStatus.ACTIVE)
        said = {"status_code": code[:60], "status_reason": reason}
        if rows.update(status=status, **said):
            audit.record(
                "connection.shut", link, reason=reason, after={"status": str(status)}
            )
