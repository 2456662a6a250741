"""Read what UAZAPI tells its webhook. Servers differ: be lenient. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from cadences.channels.uazapi import flag, id_of
from cadences.reports import Echoed, Heard, Moved, Report, TakenOver
from cadences.states import Delivery
from queues.states import READABLE

Body = dict[str, Any]

STATES = {
    "queued": Delivery.SENT, "pending": Delivery.SENT, "sent": Delivery.SENT,
    "server_ack": Delivery.SENT, "delivered": Delivery.DELIVERED,
    "delivery_ack": Delivery.DELIVERED, "read": Delivery.READ, "played": Delivery.READ,
    "failed": Delivery.FAILED, "error": Delivery.FAILED, "canceled": Delivery.FAILED,
}  # fmt: skip
NO_MESSAGE = ("reaction", "protocol", "edited", "deleted", "revoke", "poll_update")
"""Kinds of messages in which nobody says anything."""
NUMBER, LID = "@s.whatsapp.net", "@lid"
MILLISECONDS = 1e11
"""Timestamps above this count milliseconds: some servers, some events."""


def read(payload: Body) -> list[Report]:
    """Return what a delivery reports; groups and unknown events report nothing."""
    message, event = _part(payload, "message"), _part(payload, "event")
    kind = str(payload.get("EventType") or payload.get("event_type") or "").lower()
    if kind == "messages" or (message and not kind):
        chat = _part(payload, "chat")
        return [] if _is_group(message) else list(_message(message, chat))
    if kind == "messages_update" or "status" in payload:
        return list(_updates(payload, event))
    return []


def _message(message: Body, chat: Body) -> Iterator[Report]:
    found = id_of(message)
    kind = str(message.get("messageType") or message.get("type") or "").lower()
    if not found or any(word in kind for word in NO_MESSAGE):
        return
    address, aliases = _who(message, chat)
    if flag(message.get("fromMe")):
        yield _ours(message, found, address, aliases)
        return
    yield Heard(
        message_id=found, address=address, text=_text(message),
        at=moment(message.get("messageTimestamp")), aliases=aliases,
        answers=tuple(filter(None, [_plain(message.get("quoted"))])),
    )  # fmt: skip


def _ours(
    message: Body, found: str, address: str, aliases: tuple[str, ...]
) -> Echoed | TakenOver:
    """Tell our own message from one that a person typed on the phone."""
    correlation = _plain(message.get("track_id"))
    if correlation or flag(message.get("wasSentByApi")):
        return Echoed(found, correlation)
    at = moment(message.get("messageTimestamp"))
    return TakenOver(found, address, _text(message), at, aliases)


def _updates(payload: Body, event: Body) -> Iterator[Report]:
    """Yield a status for each message; old servers send one, flat."""
    if _is_group(event):
        return
    word = payload.get("state") or event.get("Type") or payload.get("status")
    delivery = STATES.get(str(word or "").lower())
    ids = event.get("MessageIDs") or [payload.get("messageid") or payload.get("id")]
    if delivery is None or not isinstance(ids, list):
        return
    for each in ids:
        if isinstance(each, str) and each:
            at = moment(event.get("Timestamp"))
            yield Moved(each.rpartition(":")[2][:200], delivery, at=at)


def _who(message: Body, chat: Body) -> tuple[str, tuple[str, ...]]:
    """Return the other side's number, if one is told, and its names."""
    told = [
        _plain(message.get(name))
        for name in ("sender_pn", "chatid", "sender", "sender_lid", "chatlid")
    ]
    told += [_plain(chat.get(name)) for name in ("wa_chatid", "wa_chatlid")]
    if flag(message.get("fromMe")):  # then the sender is us
        told = [_plain(message.get("chatid")), *told[5:]]
    numbers = [each for each in told if each.endswith(NUMBER)]
    number = numbers[0] if numbers else _plain(chat.get("phone"))
    names = [each for each in told if each.endswith((NUMBER, LID))]
    return number.removesuffix(NUMBER), tuple(dict.fromkeys(names))


def _text(message: Body) -> str:
    """Return what is said; a picture or a sticker says nothing, and is a reply too."""
    content = message.get("content")
    if isinstance(content, dict):
        content = content.get("text") or content.get("caption")
    return _plain(message.get("text")) or _plain(content)


def _is_group(message: Body) -> bool:
    chat = _plain(message.get("chatid") or message.get("Chat"))
    return flag(message.get("isGroup") or message.get("IsGroup")) or chat.endswith(
        ("@g.us", "@broadcast", "@newsletter")
    )


def moment(value: object) -> datetime | None:
    """Read a timestamp in seconds or milliseconds, a number or a word."""
    try:
        number = float(str(value))
        seconds = number / 1000 if number > MILLISECONDS else number
        return readable(datetime.fromtimestamp(seconds, UTC)) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def readable(at: datetime) -> datetime | None:
    """Return a moment that can be compared with others; the edges of time cannot."""
    first, last = READABLE
    return at if first.year <= at.year < last.year else None


def _plain(value: object) -> str:
    return value if isinstance(value, str) else ""


def _part(body: Body, name: str) -> Body:
    part = body.get(name)
    return part if isinstance(part, dict) else {}
