"""Read what a gateway of any kind posts: who, what, under which id. Pure."""

from typing import Any

from django.utils.dateparse import parse_datetime

from cadences.channels.uazapi_events import moment
from cadences.reports import Heard, Report
from queues.payload import printable


def read(payload: dict[str, Any]) -> list[Report]:
    """Return the one message of a delivery."""
    return [heard(payload)]


def heard(payload: dict[str, Any]) -> Heard:
    """Return the message that the members `from`, `message_id`, `text` make up."""
    told = payload.get("timestamp")
    at = moment(told)
    if at is None and isinstance(told, str):
        at = parse_datetime(told)
    return Heard(
        message_id=printable(str(payload.get("message_id"))),
        address=printable(str(payload.get("from"))),
        text=printable(str(payload.get("text") or "")),
        at=at if at is not None and at.tzinfo else None,
    )
