"""Read what a gateway of any kind posts: who, what, under which id. Pure."""

from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from cadences.channels.uazapi_events import moment, readable
from cadences.reports import Heard, Report
from queues.payload import printable


def read(payload: dict[str, Any]) -> list[Report]:
    """Return the one message of a delivery."""
    return [heard(payload)]


def heard(payload: dict[str, Any]) -> Heard:
    """Return the message that the members `from`, `message_id`, `text` make up."""
    return Heard(
        message_id=printable(str(payload.get("message_id"))),
        address=printable(str(payload.get("from"))),
        text=printable(str(payload.get("text") or "")),
        at=_at(payload.get("timestamp")),
    )


def _at(told: object) -> datetime | None:
    """Return the moment that a number or a text tells; one without a zone tells none."""
    if isinstance(told, str) and moment(told) is None:
        try:
            found = parse_datetime(told)
        except ValueError:
            return None
        return readable(found) if found is not None and found.tzinfo else None
    return moment(told)
