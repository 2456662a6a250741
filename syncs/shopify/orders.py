"""Read the orders of a shop: what changed since, page by page, nothing believed unseen."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from syncs import budgets
from syncs.errors import (
    ContractBroken,
    PaginationLoop,
    Transient,
)
from syncs.facts import OrderFact
from syncs.ports import Page, Refused
from syncs.shopify.client import DEAREST, Shop, TooDear
from syncs.shopify.queries import ORDER_LINES, ORDERS
from syncs.shopify.read import Unusable, nodes, order_fact
from syncs.shopify.windows import Place, search

SIZE, SMALLEST, LARGEST = 50, 10, 175
AIM = 800
"""Points that a page may cost."""
MOST_INNER = 100
"""Further pages of lines of one order; 10,000 lines are a mistake."""


@dataclass(frozen=True, slots=True)
class OrderPage(Page):
    """A page of orders, and the span of changes that is known once it is written."""

    began: datetime | None = None
    """When this reading began: what was written since comes for the second time."""
    covers: tuple[datetime, datetime] | None = None
    lines: Mapping[str, Any] = field(default_factory=dict)
    """Lines that came apart from their orders, and up to when they are current."""
    lines_as_of: datetime | None = None


def read_page(shop: Shop, place: Place) -> OrderPage:
    """Return the page at that place, its orders complete with all their lines."""
    start, until = place.window
    found, now = _ask(shop, search(start, until), place.after)
    rows, refused, gids = [], [], []
    for node in _listed(found):
        gids.append(str(node.get("id", "")))
        _check_span(node, start, until)
        try:
            rows.append(_whole(shop, node))
        except Unusable as fault:
            refused.append(Refused(gids[-1][:64], str(fault), {"fields": sorted(node)}))
    following = _following(place, found.get("pageInfo"), gids)
    ended = following is None or following.at != place.at
    whole = ended and _seen(place, gids).is_whole()
    return OrderPage(
        rows=rows,
        next_cursor=following.text() if following else None,
        total=place.total,
        refused=refused,
        as_of=now,
        watermark=datetime.fromisoformat(place.windows[0][1]),
        began=datetime.fromisoformat(place.began),
        covers=(start, until) if whole else None,
    )


def whole_lines(shop: Shop, node: Mapping[str, Any]) -> dict[str, Any]:
    """Return an order with all its lines, reading the pages that are missing."""
    held = node.get("lineItems")
    edges = [{"node": each} for each in nodes(held)]
    page = held["pageInfo"] if isinstance(held, dict) else {}
    for _ in range(MOST_INNER):
        if not page.get("hasNextPage"):
            return {**node, "lineItems": {"edges": edges}}
        reply = shop.ask(
            "OrderLines", ORDER_LINES,
            {"id": node["id"], "after": page.get("endCursor")}, points=DEAREST / 4,
        )  # fmt: skip
        inner = (reply.data.get("order") or {}).get("lineItems")
        edges += [{"node": each} for each in nodes(inner)]
        following = inner["pageInfo"] if isinstance(inner, dict) else {}
        if following.get("hasNextPage") and following.get("endCursor") == page.get(
            "endCursor"
        ):
            break
        page = following
    raise PaginationLoop("The lines of an order have no end", endpoint="OrderLines")


def _whole(shop: Shop, node: Mapping[str, Any]) -> OrderFact:
    store = str(shop.connection.store_id)
    return order_fact(whole_lines(shop, node), store=store)


def _ask(
    shop: Shop, query: str, after: str | None, *, most: int | None = None
) -> tuple[dict[str, Any], datetime]:
    """Return the list at a cursor; a page that is too dear is asked for smaller."""
    memory = budgets.remembered(shop.key, "orders")
    size = most or int(memory.get("size", SIZE))
    price = memory.get("price", DEAREST)
    while True:
        try:
            reply = shop.ask(
                "Orders",
                ORDERS,
                {"first": size, "after": after, "q": query},
                points=price,
            )
        except TooDear:
            if size == 1 or most is not None:
                raise
            size, price = max(1, size // 2), DEAREST
            budgets.remember(shop.key, "orders", size=size, price=price)
            continue
        except Transient as fault:
            if fault.code == "internal" and size > SMALLEST:
                budgets.remember(
                    shop.key, "orders", size=max(SMALLEST, size // 2), price=price
                )
            raise
        if most is None:
            _learn(shop, size, reply.requested)
        return reply.data.get("orders") or {}, reply.now


def _learn(shop: Shop, size: int, requested: float) -> None:
    """Aim at pages of 800 points; a page costs no more than in proportion to its size."""
    aimed = int(size * AIM / max(requested, 1))
    following = max(min(aimed, LARGEST), min(SMALLEST, size))
    price = min(DEAREST, requested * max(1.0, following / size) + 1)
    if budgets.remembered(shop.key, "orders") != {"size": following, "price": price}:
        budgets.remember(shop.key, "orders", size=following, price=price)


def _listed(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    try:
        return list(nodes(found))
    except Unusable as fault:
        raise ContractBroken(f"Orders: {fault}", endpoint="Orders") from None


def _check_span(node: Mapping[str, Any], start: datetime, until: datetime) -> None:
    """Refuse the page if it holds what was not asked for: the filter was ignored."""
    said = node.get("updatedAt")
    try:
        moment = datetime.fromisoformat(said)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return  # the row itself is refused
    if not start <= moment < until:
        raise ContractBroken(
            "Orders: an order lies outside of what was asked for",
            code="outside_window",
            endpoint="Orders",
        )


def _following(place: Place, info: object, gids: list[str]) -> Place | None:
    """Return where to go on; None at the end; raise PaginationLoop for a circle."""
    if not isinstance(info, dict) or type(info.get("hasNextPage")) is not bool:
        raise ContractBroken("Orders: pageInfo is missing", endpoint="Orders")
    here = _seen(place, gids)
    if not info["hasNextPage"]:
        return here.next_window()
    end = info.get("endCursor")
    if not isinstance(end, str) or end == place.after or here.stale > 1:
        raise PaginationLoop("Orders: the pages go in circles", endpoint="Orders")
    here.after = end
    return here


def _seen(place: Place, gids: list[str]) -> Place:
    """Return the place with this page counted; a page that came twice counts once."""
    digest = hashlib.sha256(" ".join(gids).encode()).hexdigest()[:16]
    repeated = digest == place.digest or not gids
    return Place(
        place.windows, place.counts, place.began, place.at, place.after,
        seen=place.seen + (0 if repeated else len(gids)),
        digest=digest, stale=place.stale + 1 if repeated else 0,
    )  # fmt: skip


def read_orders(shop: Shop, gids: list[str]) -> tuple[list[OrderFact], list[str]]:
    """Return these orders as they are now, and the ids of those that cannot be used."""
    facts: list[OrderFact] = []
    refused: list[str] = []
    size = int(budgets.remembered(shop.key, "orders").get("size", SIZE))
    at = 0
    while part := gids[at : at + size]:
        query = " OR ".join(f"id:{each.rpartition('/')[2]}" for each in part)
        try:
            found, _ = _ask(shop, query, None, most=len(part))
        except TooDear:
            if size == 1:
                raise
            size //= 2
            continue
        at += size
        for node in _listed(found):
            try:
                facts.append(_whole(shop, node))
            except Unusable:
                refused.append(str(node.get("id", ""))[:64])
    return facts, refused
