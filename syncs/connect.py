"""Test a connection, pause it, resume it, replace what opens it."""

from collections.abc import Mapping

from django.db import transaction
from django.db.models.functions import Now

from queues import audit
from syncs import credentials, links
from syncs.errors import AccessRefused, AccountLocked, ProviderError
from syncs.models import Connection, Run
from syncs.ports import Account, provider
from syncs.states import ConnectionStatus, RunStatus, Waiting

SHUT = (ConnectionStatus.AUTH_ERROR, ConnectionStatus.ACCOUNT_LOCKED)


def check(link: Connection) -> Account:
    """Ask the provider who we are; a connection that was shut and works is opened.

    Raises what the provider's adapter raises.
    """
    try:
        account = provider(link.provider).check(link)
    except ProviderError as error:
        if isinstance(error, AccessRefused | AccountLocked):
            links.erred(link, error)
        raise
    with transaction.atomic():
        held = Connection.objects.select_for_update().get(pk=link.pk)
        held.checked_at = Now()
        held.timezone = account.timezone or held.timezone
        held.currency = account.currency or held.currency
        if held.status in SHUT:
            held.status = ConnectionStatus.ACTIVE
            held.status_code = held.status_reason = ""
        held.consecutive_errors, held.breaker_until = 0, None
        held.save()
        audit.record("connection.test", link, label=f"{link.store} {link}")
    return account


@transaction.atomic
def pause(link: Connection, *, reason: str = "") -> None:
    """Call it no more; syncs that call it stop at their next page."""
    _set(link, ConnectionStatus.PAUSED, reason, action="connection.pause")


@transaction.atomic
def resume(link: Connection) -> None:
    """Call it again, and at once; what rested because of it goes on."""
    _set(link, ConnectionStatus.ACTIVE, "", action="connection.resume")
    rows = Connection.objects.filter(pk=link.pk)
    rows.update(consecutive_errors=0, breaker_until=None)
    resting = Run.objects.filter(
        store=link.store_id, status=RunStatus.QUEUED, waiting_for=Waiting.PAUSED
    )
    # Writing the priority tells the job of the run, which is then due now.
    for run in resting:
        Run.objects.filter(pk=run.pk).update(not_before=None, priority=run.priority)


@transaction.atomic
def rotate(link: Connection, values: Mapping[str, str]) -> None:
    """Replace what opens it; one that was shut for the old one is opened."""
    row = credentials.replace(link, values)
    if link.status == ConnectionStatus.AUTH_ERROR:
        _set(link, ConnectionStatus.ACTIVE, "", action="connection.resume")
    audit.record(
        "connection.rotate", link, label=f"{link.store} {link}",
        after={"version": row.version},
    )  # fmt: skip


def _set(
    link: Connection, status: ConnectionStatus, reason: str, *, action: str
) -> None:
    held = Connection.objects.select_for_update().get(pk=link.pk)
    before = held.status
    held.status, held.status_code, held.status_reason = status, "", reason
    held.save(update_fields=["status", "status_code", "status_reason"])
    audit.record(
        action, link, label=f"{link.store} {link}", reason=reason,
        before={"status": str(before)}, after={"status": str(status)},
    )  # fmt: skip
