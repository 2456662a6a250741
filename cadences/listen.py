"""Apply what providers delivered: whose words they are, and what they mean."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Max

from cadences import answer, clock, replies
from cadences.apply import read, use
from cadences.channels import mail_events, meta_events, plain_events, uazapi_events
from cadences.heed import bounced, echoed, moved
from cadences.match import Owner, learn, normal_or_none, owner_of
from cadences.models import (
    Account,
    Conversation,
    Execution,
    Message,
    Run,
    Suppression,
)
from cadences.replies import Kind, Reading
from cadences.reports import (
    Bounced,
    Echoed,
    Heard,
    Moved,
    Reader,
    Report,
    TakenOver,
)
from cadences.states import LIVE, MAYBE_SENT, Medium
from cadences.steps import DEFAULT_ZONE
from cadences.suppress import suppress
from queues.payload import fitted, printable

READERS: dict[str, Reader] = {
    "uazapi": uazapi_events.read,
    "meta": meta_events.read,
    "email": mail_events.read,
    "plain": plain_events.read,
}
MAX_TEXT, MAX_ID = 10_000, 150
TAKES_OVER = "phone_takes_over"
"""A setting of accounts: false lets people write from the phone beside a cadence."""


def listen(message: Message) -> None:
    """Apply a stored delivery in the caller's transaction; others are only read.

    Raises UnreadableMessage.
    """
    delivery = read(message)
    reader = READERS.get(str(delivery.get("provider")))
    payload = delivery.get("payload")
    if reader is None or not isinstance(payload, dict):
        return
    account = message.account
    for report in reader(payload):
        _apply(report, account, message)


use(listen)


def _apply(report: Report, account: Account | None, message: Message) -> None:
    if isinstance(report, Heard):
        _hear(report, account, message)
    elif account is not None:
        _heed(report, account, message)


def _heed(
    report: Moved | Echoed | TakenOver | Bounced, account: Account, message: Message
) -> None:
    match report:
        case TakenOver():
            _taken_over(report, account, message)
        case Moved():
            moved(report, account)
        case Echoed():
            echoed(report, account)
        case Bounced():
            bounced(report, account)


def _hear(heard: Heard, account: Account | None, delivery: Message) -> None:
    """Let a text do what it says to the runs of whoever wrote it; once."""
    medium = account.medium if account else Medium.WHATSAPP
    owner = owner_of(account, heard, medium=medium)
    now = clock.now()
    reading = _reading(heard, owner, account, now=now)
    if not _note(heard, owner, reading, account, delivery, now=now):
        return
    if owner.lead is not None:
        if reading.kind == Kind.OPT_OUT or answer.is_timely(owner.lead, heard.at):
            answer.hear(owner.lead, reading, medium=medium, text=heard.text)
        learn(owner.lead, heard, medium=medium)
        return
    if reading.kind == Kind.OPT_OUT:
        _silence(heard, account, medium=medium)
    if reading.kind not in (Kind.PROBABLY_MACHINE, Kind.ABSENCE):
        answer.hold(list(owner.leads))


def _reading(
    heard: Heard, owner: Owner, account: Account | None, *, now: datetime
) -> Reading:
    """Tell what a text is, knowing when we last wrote and whether it is the first."""
    zone = ZoneInfo(account.company.time_zone if account else DEFAULT_ZONE)
    ours = Execution.objects.filter(
        run__lead__in=owner.leads, state__in=MAYBE_SENT, medium=_medium(account)
    ).aggregate(last=Max("intended_at"))["last"]
    at, is_first = heard.at or now, True
    if ours is not None:
        since = Message.objects.filter(
            lead__in=owner.leads, direction=Message.Direction.IN, created_at__gte=ours
        )
        is_first = not since.exclude(match="").exists()
    is_after = ours is not None and at >= ours - answer.SKEW
    return replies.read(
        heard.text, today=now.astimezone(zone).date(), subject=heard.subject,
        headers=heard.headers, is_first=is_first,
        after=max(at - ours, timedelta()) if ours is not None and is_after else None,
    )  # fmt: skip


def _medium(account: Account | None) -> str:
    return account.medium if account else Medium.WHATSAPP


def _note(
    said: Heard | TakenOver,
    owner: Owner,
    reading: Reading | None,
    account: Account | None,
    delivery: Message,
    *,
    now: datetime,
) -> bool:
    """Write down who wrote what; tell whether it is news."""
    way = Message.Direction.OUT if reading is None else Message.Direction.IN
    home = account.pk if account else "plain"
    name = printable(fitted(said.message_id, MAX_ID)) or f"delivery-{delivery.pk}"
    medium = _medium(account)
    _, created = Message.objects.get_or_create(
        key=f"{home}:{way}:{name}",
        defaults={
            "direction": way, "status": Message.Status.PROCESSED,
            "channel": Message.Channel(medium), "account": account,
            "lead_id": owner.lead, "match": owner.how,
            "reading": reading.kind.value if reading else "",
            "body": printable(said.text)[:MAX_TEXT], "created_at": now,
            "processed_at": now, "conversation": _talk(said, account, medium=medium),
            "details": {
                "delivery": delivery.pk, "from": printable(said.address)[:MAX_ID],
                **({"leads": [str(each) for each in owner.leads]} if not owner.lead else {}),
            },
        },
    )  # fmt: skip
    return created


def _talk(
    said: Heard | TakenOver, account: Account | None, *, medium: str
) -> Conversation | None:
    address = normal_or_none(medium, said.address)
    if address is None:
        return None
    talk, _ = Conversation.objects.get_or_create(
        external_id=f"{account.pk if account else 'plain'}:{address[0]}"[:200],
        defaults={"phone": address[0][:32] if medium != Medium.EMAIL else ""},
    )
    return talk


def _silence(heard: Heard, account: Account | None, *, medium: str) -> None:
    """Write to an address no more whose owner we cannot name: it opted out."""
    address = normal_or_none(medium, heard.address)
    if address is None:
        return
    suppress(
        medium, address[0], reason=Suppression.Reason.OPT_OUT, everywhere=True,
        company=account.company_id if account else None, source=medium,
    )  # fmt: skip


def _taken_over(said: TakenOver, account: Account, delivery: Message) -> None:
    """A person writes from the phone itself: the cadences step back."""
    owner = owner_of(account, said, medium=account.medium)
    if not _note(said, owner, None, account, delivery, now=clock.now()):
        return
    wanted = account.config.get(TAKES_OVER, True)
    if owner.lead is None or not wanted or not answer.is_timely(owner.lead, said.at):
        return
    if Run.objects.filter(lead=owner.lead, status__in=LIVE).exists():
        answer.takes_over(owner.lead, manual=True, actor="phone")
