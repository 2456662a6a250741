"""Read the history of a large shop from a file that it prepares for us.

The operation's id is part of the place to go on from, so a worker that vanishes while
the shop prepares the file loses nothing, and nobody holds a slot meanwhile. The file is
read in parts; it counts only if every line that the shop announced was in it.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from queues.outbound import Call
from syncs import clock
from syncs.calls import raw, read
from syncs.errors import (
    ContractBroken,
    CursorInvalid,
    Misconfigured,
    NotReady,
    ProviderError,
    Transient,
)
from syncs.facts import LineFact, OrderFact
from syncs.ports import Refused
from syncs.shopify.client import Shop
from syncs.shopify.orders import OrderPage
from syncs.shopify.queries import BULK_CANCEL, BULK_ORDERS, BULK_POLL, BULK_RUN
from syncs.shopify.read import Unusable, line_fact, order_fact
from syncs.shopify.windows import Place, count, search

PART = 4 * 1024 * 1024
"""Bytes of the file that make a page."""
POLL = timedelta(seconds=15)
PATIENCE = timedelta(minutes=45)
"""After so long an operation is cancelled and its window halved."""
GONE = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
PARENT = "__parentId"


@dataclass(slots=True)
class Part:
    """What a part of the file held."""

    orders: list[OrderFact] = field(default_factory=list)
    lines: dict[str, list[LineFact]] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    objects: int = 0
    roots: int = 0


def read_file(shop: Shop, place: Place) -> OrderPage:
    """Return the next part of the file; raise NotReady while the shop prepares it."""
    state = place.bulk
    if "id" not in state:
        raise _started(shop, place)
    if "url" not in state:
        page = _polled(shop, place)
        if page is not None:
            return page
    return _part(shop, place)


def _started(shop: Shop, place: Place) -> ProviderError:
    query = BULK_ORDERS % search(*place.window)
    reply = shop.ask("BulkRun", BULK_RUN, {"query": query}, points=20)
    said = reply.data.get("bulkOperationRunQuery") or {}
    operation = said.get("bulkOperation")
    if said.get("userErrors") or not operation:
        return _later(place, {}, timedelta(seconds=60))
    state = {"id": operation["id"], "since": clock.now().isoformat()}
    return _later(place, state, POLL)


def _polled(shop: Shop, place: Place) -> OrderPage | None:
    """Note where the file is, or return the page of one that is empty."""
    state = place.bulk
    reply = shop.ask("BulkPoll", BULK_POLL, {"id": state["id"]}, points=20)
    said = reply.data.get("bulkOperation") or {}
    match said.get("status"):
        case "CREATED" | "RUNNING" | "CANCELING":
            if clock.now() - datetime.fromisoformat(state["since"]) > PATIENCE:
                raise _halved(shop, place)
            raise _later(place, state, POLL)
        case "CANCELED" | "EXPIRED":
            raise _later(place, {}, POLL)
        case "COMPLETED":
            pass
        case _:
            # What there is of it is not whole: it is never read.
            raise CursorInvalid("The bulk operation failed", code="bulk_failed")
    objects, roots = int(said["objectCount"]), int(said["rootObjectCount"])
    place.counts[place.at] = roots
    if not said.get("url"):
        if objects:
            raise ContractBroken("The bulk operation has no file", endpoint="BulkPoll")
        return _ended(place, Part(), reply.now)
    place.bulk = {
        **state, "url": said["url"], "objects": objects, "roots": roots, "offset": 0,
        "objects_seen": 0, "as_of": said["createdAt"],
    }  # fmt: skip
    return None


def _halved(shop: Shop, place: Place) -> ProviderError:
    """Cancel an operation that takes too long, and ask for half of it at a time."""
    shop.ask("BulkCancel", BULK_CANCEL, {"id": place.bulk["id"]}, points=20)
    start, until = place.window
    middle = (start + (until - start) / 2).replace(microsecond=0)
    halves = [(middle, until), (start, middle)]
    place.windows[place.at : place.at + 1] = [
        [each.isoformat() for each in half] for half in halves
    ]
    place.counts[place.at : place.at + 1] = [
        count(shop, search(*half)) for half in halves
    ]
    return _later(place, {}, timedelta(seconds=1))


def _part(shop: Shop, place: Place) -> OrderPage:
    state = place.bulk
    body, whole, now = _bytes(place)
    ended = state["offset"] + len(body) >= whole
    if not ended:
        body = body[: body.rfind(b"\n") + 1]
        if not body:
            raise ContractBroken("A line of the file is longer than a part of it")
    part = _read(body, str(shop.connection.store_id), state.get("refused", []))
    state["offset"] += len(body)
    state["objects_seen"] += part.objects
    state["refused"] = [
        *state.get("refused", []),
        *(each.external_id for each in part.refused),
    ]
    place.seen += part.roots
    if not ended:
        return _page(place, place, part, now)
    if (state["objects_seen"], place.seen) != (state["objects"], state["roots"]):
        raise CursorInvalid(
            f"The file holds {state['objects_seen']} of {state['objects']} lines",
            code="bulk_count",
        )
    return _ended(place, part, now)


def _ended(place: Place, part: Part, now: datetime) -> OrderPage:
    following = place.next_window()
    return replace(_page(place, following, part, now), covers=place.window)


def _page(
    place: Place, following: Place | None, part: Part, now: datetime
) -> OrderPage:
    as_of = place.bulk.get("as_of")
    return OrderPage(
        rows=part.orders,
        next_cursor=following.text() if following else None,
        total=place.total,
        refused=part.refused,
        as_of=now,
        watermark=datetime.fromisoformat(place.windows[0][1]),
        began=datetime.fromisoformat(place.began),
        lines=part.lines,
        lines_as_of=datetime.fromisoformat(as_of) if as_of else None,
    )


def _bytes(place: Place) -> tuple[bytes, int, datetime]:
    """Return the next bytes of the file, how many it has, and the moment."""
    state = place.bulk
    first = state["offset"]
    span = {"Range": f"bytes={first}-{first + PART - 1}"}
    said, now = raw(Call(_checked(state["url"]), "GET", span), endpoint="file")
    if said.status in GONE:
        raise _later(place, {}, timedelta(seconds=1))  # it is kept for a week only
    whole = said.headers.get("content-range", "").rpartition("/")[2]
    if said.status != HTTPStatus.PARTIAL_CONTENT or not whole.isdecimal():
        raise Transient(f"file answered {said.status} to a range", endpoint="file")
    return said.content, int(whole), now


def _checked(url: str) -> str:
    """Return the address of the file, if it leads where files are kept."""
    parts = urlsplit(url)
    plain = settings.SHOPIFY_BASE_URL.startswith("http:")  # a simulator
    known = parts.netloc in settings.SHOPIFY_FILE_HOSTS
    if not known or parts.scheme not in ({"http", "https"} if plain else {"https"}):
        raise Misconfigured(
            f"Files of {parts.hostname} are not read: see SHOPIFY_FILE_HOSTS",
            code="file_host",
        )
    return url


def _read(body: bytes, store: str, refused: list[str]) -> Part:
    part = Part()
    out = set(refused)
    for text in body.splitlines():
        try:
            row = read(text)
        except ValueError:
            raise Transient("A line of the file is broken", endpoint="file") from None
        if not isinstance(row, dict):
            raise ContractBroken("A line of the file is no object", endpoint="file")
        part.objects += 1
        part.roots += PARENT not in row
        try:
            _sort(part, row, store, out)
        except Unusable as fault:
            gid = str(row.get(PARENT) or row.get("id", ""))[:64]
            out.add(gid)
            part.refused.append(Refused(gid, str(fault), {"fields": sorted(row)}))
    return part


def _sort(part: Part, row: dict[str, Any], store: str, refused: set[str]) -> None:
    parent = row.get(PARENT)
    if parent is None:
        part.orders.append(order_fact(row, store=store, lines=False))
    elif parent not in refused:
        part.lines.setdefault(str(parent), []).append(line_fact(row))


def _later(place: Place, state: dict[str, Any], after: timedelta) -> ProviderError:
    """Return the wait that keeps this place."""
    place.bulk = state
    return NotReady(
        "The shop prepares its orders",
        until=clock.now() + after,
        scope="bulk",
        cursor=place.text(),
        endpoint="BulkPoll",
    )
