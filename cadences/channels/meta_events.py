"""Read what Meta tells its webhook. Pure."""

from collections.abc import Iterator
from typing import Any

from cadences.channels.meta import MARK
from cadences.channels.meta_codes import meaning
from cadences.channels.uazapi_events import moment
from cadences.reports import Heard, Moved, Report
from cadences.states import Delivery

Body = dict[str, Any]

STATES = {
    "sent": Delivery.SENT, "delivered": Delivery.DELIVERED, "read": Delivery.READ,
    "failed": Delivery.FAILED,
}  # fmt: skip
NO_MESSAGE = ("reaction", "system", "unsupported", "request_welcome")


def read(payload: Body) -> list[Report]:
    """Return what a delivery reports, however many entries it bundles."""
    return [report for value in _values(payload) for report in _reports(value)]


def phone_number_ids(payload: Body) -> set[str]:
    """Return the numbers of ours that a delivery speaks of."""
    told = (value.get("metadata") for value in _values(payload))
    return {str(each.get("phone_number_id")) for each in told if isinstance(each, dict)}


def split(payload: Body, ours: str) -> Iterator[tuple[str, Body]]:
    """Yield each thing of a delivery about our number by itself, under its own key.

    So one that cannot be applied holds up no other, and none is applied twice.
    """
    for value in _values(payload):
        metadata = value.get("metadata")
        if not isinstance(metadata, dict) or metadata.get("phone_number_id") != ours:
            continue
        rest = {k: v for k, v in value.items() if k not in ("messages", "statuses")}
        for name in ("messages", "statuses"):
            for each in _rows(value, name):
                key = f"{name}:{each.get('id')}:{each.get('status', '')}"
                change = {"field": "messages", "value": {**rest, name: [each]}}
                yield key, {"entry": [{"changes": [change]}]}


def _values(payload: Body) -> Iterator[Body]:
    for entry in _rows(payload, "entry"):
        for change in _rows(entry, "changes"):
            value = change.get("value")
            if change.get("field") == "messages" and isinstance(value, dict):
                yield value


def _reports(value: Body) -> Iterator[Report]:
    for message in _rows(value, "messages"):
        if message.get("type") not in NO_MESSAGE and message.get("id"):
            yield _heard(message)
    for status in _rows(value, "statuses"):
        delivery = STATES.get(str(status.get("status")))
        if delivery is not None and status.get("id"):
            yield _moved(status, delivery)


def _heard(message: Body) -> Heard:
    context = message.get("context")
    answered = context.get("id") if isinstance(context, dict) else None
    number = str(message.get("from") or "")
    return Heard(
        message_id=str(message["id"]),
        address=f"+{number}" if number else "",
        text=_text(message),
        at=moment(message.get("timestamp")),
        answers=(answered,) if isinstance(answered, str) else (),
    )


def _text(message: Body) -> str:
    """Return what is said or chosen; media without a caption say nothing."""
    kind = str(message.get("type"))
    part = message.get(kind)
    if not isinstance(part, dict):
        return ""
    if kind == "interactive":
        chosen = part.get("button_reply") or part.get("list_reply")
        return str(chosen.get("title") or "") if isinstance(chosen, dict) else ""
    return str(part.get("body") or part.get("text") or part.get("caption") or "")


def _moved(status: Body, delivery: Delivery) -> Moved:
    errors = _rows(status, "errors")
    error = errors[0] if errors else {}
    code = str(error.get("code") or "")
    mark = str(status.get("biz_opaque_callback_data") or "")
    return Moved(
        message_id=str(status["id"])[:200],
        delivery=delivery,
        correlation=mark.removeprefix(MARK) if mark.startswith(MARK) else "",
        code=code,
        detail=str(error.get("title") or error.get("message") or "")[:200],
        why=meaning(int(code)) if code.isdecimal() else None,
        at=moment(status.get("timestamp")),
    )


def _rows(body: Body, name: str) -> list[Body]:
    rows = body.get(name)
    return (
        [each for each in rows if isinstance(each, dict)]
        if isinstance(rows, list)
        else []
    )
