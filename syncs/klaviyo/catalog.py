"""Read the lists of campaigns and flows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from syncs.errors import ContractBroken, CursorInvalid, PaginationLoop
from syncs.klaviyo.client import Klaviyo, Reply
from syncs.ports import Page, Period, Refused

PARTS = [
    (channel, archived)
    for channel in ("email", "sms", "mobile_push")
    for archived in ("false", "true")
]
"""A list must name its channel, and archived campaigns are a list of their own."""
CURSOR = "page[cursor]"


@dataclass(frozen=True, slots=True)
class PieceFact:
    """A campaign or a flow."""

    external_id: str
    name: str
    status: str
    channel: str
    is_archived: bool
    sent_at: datetime | None
    provider_updated_at: datetime


def campaigns(klaviyo: Klaviyo, period: Period | None, cursor: str | None) -> Page:
    """Return a page of campaigns; those sent within a period were updated since its start."""
    part, after = _place(cursor)
    channel, archived = PARTS[part]
    terms = [f"equals(messages.channel,'{channel}')", f"equals(archived,{archived})"]
    if period is not None:
        zone = ZoneInfo(klaviyo.connection.timezone or "UTC")
        since = datetime.combine(period.start, datetime.min.time(), zone) - timedelta(
            days=1
        )
        terms.append(f"greater-or-equal(updated_at,{since.isoformat()})")
    query = {"filter": f"and({','.join(terms)})"}
    reply = klaviyo.get("campaigns", query | ({CURSOR: after} if after else {}))
    following = reply.cursor(CURSOR)
    _check(following, after, "campaigns")
    text = None
    if following is not None:
        text = json.dumps([part, following])
    elif part + 1 < len(PARTS):
        text = json.dumps([part + 1, None])
    return _page(reply, "campaigns", text, channel=channel)


def flows(klaviyo: Klaviyo, cursor: str | None) -> Page:
    """Return a page of flows."""
    _, after = _place(cursor)
    reply = klaviyo.get(
        "flows", {"page[size]": "50"} | ({CURSOR: after} if after else {})
    )
    following = reply.cursor(CURSOR)
    _check(following, after, "flows")
    return _page(reply, "flows", json.dumps([0, following]) if following else None)


def _page(
    reply: Reply, endpoint: str, following: str | None, channel: str = ""
) -> Page:
    rows, refused = [], []
    found = reply.value["data"]
    if not isinstance(found, list):
        raise ContractBroken(f"{endpoint} answered without a list", endpoint=endpoint)
    for each in found:
        try:
            rows.append(_fact(each, channel))
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            key = str(each.get("id", "")) if isinstance(each, dict) else ""
            reason = f"{type(fault).__name__}: {fault}"[:200]
            refused.append(Refused(key[:64], reason))
    return Page(rows=rows, next_cursor=following, refused=refused, as_of=reply.now)


def _fact(row: Mapping[str, Any], channel: str) -> PieceFact:
    said = row["attributes"]
    sent = said.get("send_time")
    return PieceFact(
        external_id=str(row["id"])[:64],
        name=str(said["name"])[:255],
        status=str(said["status"])[:60],
        channel=channel,
        is_archived=said.get("archived") is True,
        sent_at=datetime.fromisoformat(sent) if sent else None,
        provider_updated_at=datetime.fromisoformat(
            said.get("updated_at") or said["updated"]
        ),
    )


def _place(cursor: str | None) -> tuple[int, str | None]:
    if cursor is None:
        return 0, None
    try:
        part, after = json.loads(cursor)
        PARTS[part]
    except (ValueError, TypeError, IndexError):
        raise CursorInvalid("The place to go on from cannot be read") from None
    return part, after


def _check(following: str | None, after: str | None, endpoint: str) -> None:
    if following is not None and following == after:
        raise PaginationLoop(f"{endpoint}: the pages go in circles", endpoint=endpoint)
