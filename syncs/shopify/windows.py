"""Which changes of orders are still to be read, and where the reading stands.

A place to go on from is a JSON text: the windows that are to be read, which of them is
being read, and where in it. A window is a span of `updated_at`; it is known only when its
last page has come and the shop's own count agrees.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from syncs import clock
from syncs.errors import ContractBroken, CursorInvalid, Misconfigured
from syncs.models import Connection, OrderCoverage
from syncs.ports import Period
from syncs.shopify.account import Facts, about
from syncs.shopify.client import Shop
from syncs.shopify.queries import ORDERS_COUNT

LOOK_BACK = timedelta(minutes=10)
SETTLE = timedelta(seconds=120)
"""What changed less than so long ago is left for the next time."""
FIRST_SPAN = timedelta(days=7)
"""How far back a store is read whose period nobody named."""
VISIBLE = timedelta(days=60)
"""How far back a shop shows orders without the scope `read_all_orders`."""

BULK_FROM = 20_000
"""Orders of a window from which on they are read from a file."""


@dataclass(slots=True)
class Place:
    """Where the reading of a stream stands."""

    windows: list[list[str]]
    counts: list[int | None]
    began: str
    at: int = 0
    after: str | None = None
    seen: int = 0
    digest: str = ""
    stale: int = 0
    bulk: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> "Place":
        """Return the place that a text names; raise CursorInvalid."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            raise CursorInvalid("The place to go on from cannot be read") from None

    def text(self) -> str:
        """Return it as text."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})

    @property
    def window(self) -> tuple[datetime, datetime]:
        """The span that is being read."""
        start, until = self.windows[self.at]
        return datetime.fromisoformat(start), datetime.fromisoformat(until)

    @property
    def total(self) -> int | None:
        """How many orders all windows hold; None if the shop does not say exactly."""
        known = [count for count in self.counts if count is not None]
        return sum(known) if len(known) == len(self.counts) else None

    def next_window(self) -> "Place | None":
        """Return the start of the next window, or None after the last."""
        if self.at + 1 == len(self.windows):
            return None
        return Place(self.windows, self.counts, self.began, self.at + 1)

    @property
    def is_large(self) -> bool:
        """Tell whether the window is read from a file rather than by pages."""
        known = self.counts[self.at]
        return known is None or known > BULK_FROM or bool(self.bulk)

    def is_whole(self) -> bool:
        """Tell whether the window brought what the shop counted in it."""
        known = self.counts[self.at]
        return known is None or known - self.seen <= max(5, known / 200)


def plan(shop: Shop, period: Period | None) -> Place:
    """Return which windows are to be read, the newest first; raise what stands against it."""
    facts = about(shop)
    zone = ZoneInfo(shop.connection.timezone or facts.timezone)
    now = facts.now - SETTLE
    known = OrderCoverage.objects.filter(pk=shop.connection.pk).first()
    if period is not None:
        start = datetime.combine(period.start, datetime.min.time(), zone).astimezone(
            UTC
        )
    else:
        start = known.covered_from if known else now - FIRST_SPAN
    start = min(start, now)
    check(shop.connection, facts, start)
    windows = _windows(start, now, known)
    counts = [count(shop, search(*window)) for window in windows]
    spans = [[each.isoformat() for each in window] for window in windows]
    return Place(spans, counts, clock.now().isoformat())


def search(start: datetime, until: datetime) -> str:
    """Return the search for what changed in a span; its times must be quoted.

    Without the quotes the shop drops the filter and answers with every order.
    """
    first, last = (
        each.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for each in (start, until)
    )
    return f"updated_at:>='{first}' AND updated_at:<'{last}'"


def _windows(
    start: datetime, now: datetime, known: OrderCoverage | None
) -> list[tuple[datetime, datetime]]:
    """Return what is not known yet: what is new, then what is older."""
    start, now = start.replace(microsecond=0), now.replace(microsecond=0)
    if known is None or start > known.covered_until or now < known.covered_from:
        # What lies between is read as well: what is known has no hole.
        first = min(start, known.covered_until - LOOK_BACK) if known else start
        return [(first, now)]
    fresh = (min(known.covered_until - LOOK_BACK, now), now)
    if start < known.covered_from:
        return [fresh, (start, known.covered_from)]
    return [fresh]


def check(connection: Connection, facts: Facts, start: datetime) -> None:
    """Raise what stands against reading a shop from that moment on."""
    if start < facts.now - VISIBLE and "read_all_orders" not in facts.scopes:
        raise Misconfigured(
            "Orders older than 60 days need the scope read_all_orders:"
            " without it the shop hides them without a word",
            code="scope_read_all_orders",
        )
    if connection.currency and connection.currency != facts.currency:
        raise Misconfigured(
            f"The shop's currency is {facts.currency}, the connection says"
            f" {connection.currency}: test the connection to accept it",
            code="currency_changed",
        )


def count(shop: Shop, query: str) -> int | None:
    """Return how many orders a search finds; None if the shop does not know exactly."""
    reply = shop.ask("OrdersCount", ORDERS_COUNT, {"q": query}, points=20)
    found = reply.data.get("ordersCount")
    found = found if isinstance(found, dict) else {}
    known = found.get("count")
    if type(known) is not int:
        raise ContractBroken(
            "OrdersCount answered without a count", endpoint="OrdersCount"
        )
    return known if found.get("precision") == "EXACT" else None
