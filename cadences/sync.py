"""Catch up with UAZAPI: what became of our messages, and what we missed of theirs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Max

from cadences import clock
from cadences.channels.uazapi import flag, id_of, uazapi
from cadences.channels.uazapi_events import moment
from cadences.errors import NotConfigured, ProviderError, RateLimited
from cadences.mend import settle
from cadences.models import Account, Contact, ContactIssue, Execution, Run
from cadences.ports import Sender
from cadences.receive import receive
from cadences.states import LIVE, ExecutionState, Medium
from queues.seal import Secret, seal

LATELY = timedelta(days=7)
CHATS = {False: 100, True: 1000}
"""How many conversations are looked at: lately, or all there are."""
DEPTH = {False: 20, True: 100}
"""How many messages of each."""
NUMBERS = 50
MOST_ERRORS = 10


@dataclass(slots=True)
class Caught:
    """What one round found out."""

    instances: list[dict[str, Any]] = field(default_factory=list)
    settled: int = 0
    unsettled: int = 0
    received: int = 0
    checked: int = 0
    errors: list[str] = field(default_factory=list)

    def fail(self, account: Account, error: ProviderError) -> None:
        """Remember what did not work; the other accounts go on."""
        if len(self.errors) < MOST_ERRORS:
            self.errors.append(f"{account.name}: {error}")


def sync(account: Account, caught: Caught, *, whole: bool) -> None:
    """Ask how an instance is, settle its unknown sends, fetch what its leads wrote.

    Raises RateLimited; no transaction may be open.
    """
    try:
        status = uazapi.status(account.sender())
        caught.instances.append({
            "account": account.name, "instance": status.name,
            "status": status.state, "connected": status.connected,
        })  # fmt: skip
        _mark(account, connected=status.connected)
        _settle(account, caught)
        if status.connected:
            _fetch(account, caught, whole=whole)
            _numbers(account, caught)
    except RateLimited:
        raise
    except ProviderError as error:
        caught.fail(account, error)


def _mark(account: Account, *, connected: bool) -> None:
    """Let an account rest while its phone is away, and send again when it is back."""
    active, away = Account.State.ACTIVE, Account.State.DISCONNECTED
    before, after = (away, active) if connected else (active, away)
    Account.objects.filter(pk=account.pk, state=before).update(state=after)


def _settle(account: Account, caught: Caught) -> None:
    rows = Execution.objects.filter(account=account, state=ExecutionState.UNKNOWN)
    for execution in rows.order_by("intended_at"):
        attempt = execution.attempt_rows.order_by("number").last()
        if attempt is None:
            continue
        trace = uazapi.lookup(account.sender(), attempt.correlation)
        if settle(execution.pk, trace, via="lookup"):
            caught.settled += 1
        else:
            caught.unsettled += 1


def _fetch(account: Account, caught: Caught, *, whole: bool) -> None:
    """Deliver to ourselves what the webhook missed; what it did not is dropped."""
    for chat, since in _chats(account, whole=whole):
        found = uazapi.find(account.sender(), chatid=chat, limit=DEPTH[whole])
        news = [
            (f"sync:{id_of(each)}", {"EventType": "messages", "message": each})
            for each in found
            if id_of(each)
            and not flag(each.get("fromMe"))
            and (at := moment(each.get("messageTimestamp"))) is not None
            and at >= since
        ]
        caught.received += len(receive("uazapi", account.pk, reversed(news)))


def _chats(account: Account, *, whole: bool) -> Iterator[tuple[str, Any]]:
    """Yield the conversations of live runs that this account wrote to, newest first."""
    rows = Execution.objects.filter(account=account, run__status__in=LIVE)
    if not whole:
        rows = rows.filter(intended_at__gt=clock.now() - LATELY)
    chats = rows.exclude(address="").values("address", "run__started_at")
    newest = chats.annotate(last=Max("intended_at")).order_by("-last")
    for each in newest[: CHATS[whole]]:
        digits = each["address"].lstrip("+")
        yield f"{digits}@s.whatsapp.net", each["run__started_at"]


def _numbers(account: Account, caught: Caught) -> None:
    """Ask which numbers of leads in cadences are on WhatsApp."""
    runs = Run.objects.filter(company=account.company_id, status__in=LIVE)
    rows = Contact.objects.filter(
        medium=Medium.WHATSAPP, checked_at=None, lead__in=runs.values("lead")
    )
    page = {each.address: each for each in rows.order_by("pk")[:NUMBERS]}
    if not page:
        return
    for address, is_there, names in uazapi.numbers(account.sender(), list(page)):
        if (contact := page.get(address)) is not None:
            _checked(contact, is_there=is_there, names=names)
            caught.checked += 1


def _checked(contact: Contact, *, is_there: bool, names: list[str]) -> None:
    standing = Contact.Standing.VALID if is_there else Contact.Standing.INVALID
    if not is_there:
        ContactIssue.objects.create(
            lead_id=contact.lead_id, contact=contact,
            kind=ContactIssue.Kind.NOT_ON_WHATSAPP, detail="sync",
        )  # fmt: skip
    aliases = list(dict.fromkeys([*contact.aliases, *names]))
    Contact.objects.filter(pk=contact.pk).update(
        standing=standing, checked_at=clock.now(), aliases=aliases
    )


def configured() -> Sender:
    """Return the instance that the settings name, or raise NotConfigured."""
    for name in ("UAZAPI_BASE_URL", "UAZAPI_TOKEN"):
        if not getattr(settings, name):
            raise NotConfigured(
                f"{name} is not set: add an account, or set UAZAPI_BASE_URL and"
                " UAZAPI_TOKEN, restart the workers, then retry this job"
            )
    token = Secret(seal({"token": settings.UAZAPI_TOKEN}))
    return Sender("settings", "", base_url=settings.UAZAPI_BASE_URL, credentials=token)


def accounts() -> list[Account]:
    """Return the accounts that send through UAZAPI and are not paused by a person."""
    rows = Account.objects.select_related("company").filter(adapter="uazapi")
    return list(rows.exclude(state=Account.State.PAUSED).order_by("pk"))
