"""One simulated shop: its orders, its tokens and its bucket of points."""

import base64
import json
import re
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.simulators.clock import Clock
from tests.simulators.graphql import Refused
from tests.simulators.shopify_data import stamp

TERM = re.compile(r"(\w+):(>=|<=|>|<|)('[^']*'|\S+)")
FIELDS = {
    "updated_at": "updatedAt",
    "created_at": "createdAt",
    "processed_at": "processedAt",
}
SORTS = {
    "UPDATED_AT": "updatedAt",
    "CREATED_AT": "createdAt",
    "PROCESSED_AT": "processedAt",
}
CEILING = 25_000


@dataclass
class Bucket:
    """Points that leak back; a query must find its requested cost in it."""

    clock: Clock
    capacity: float = 2000.0
    restore: float = 100.0
    level: float = 2000.0
    at: float = 0.0

    def refill(self) -> float:
        """Return what is available now."""
        now = self.clock.seconds()
        if self.at:
            gained = (now - self.at) * self.restore
            self.level = min(self.capacity, self.level + gained)
        self.at = now
        return self.level

    def status(self) -> dict[str, float]:
        """Return what the provider says of it."""
        return {
            "maximumAvailable": self.capacity,
            "currentlyAvailable": int(self.refill()),
            "restoreRate": self.restore,
        }


@dataclass
class Shop:
    """What one shop holds, and who may ask."""

    domain: str
    clock: Clock
    zone: str = "America/Sao_Paulo"
    currency: str = "BRL"
    orders: list[dict[str, Any]] = field(default_factory=list)
    scopes: list[str] = field(
        default_factory=lambda: ["read_orders", "read_all_orders"]
    )
    tokens: dict[str, float | None] = field(default_factory=dict)
    """Access tokens, each with the moment at which it dies, or None."""
    refresh_tokens: dict[str, str] = field(default_factory=dict)
    """Refresh tokens that work, each with the access token made beside it."""
    client: tuple[str, str] = ("client-1", "secret-1")
    token_seconds: float = 3600.0
    frozen: int | None = None
    order_cost: float = 4.0
    bulk: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    subscriptions: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.bucket = Bucket(self.clock)
        self.made = 0

    def facts(self) -> dict[str, Any]:
        """Return what the shop says of itself."""
        return {
            "id": "gid://shopify/Shop/1",
            "name": self.domain.partition(".")[0].title(),
            "myshopifyDomain": self.domain,
            "currencyCode": self.currency,
            "ianaTimezone": self.zone,
            "plan": {"displayName": "Basic"},
        }

    def search(self, query: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the orders that match, and the warnings of what was not understood.

        A timestamp without quotes breaks its term: the filter is dropped.
        """
        found, warnings = list(self._visible()), []
        for name, sign, text in TERM.findall(query):
            if name == "id":
                continue
            if name not in FIELDS or not text.startswith("'"):
                word = text.rpartition(":")[2] if ":" in text else text
                warnings.append(_warning(query, word))
                continue
            found = [
                each
                for each in found
                if _fits(each[FIELDS[name]], sign, text.strip("'"))
            ]
        if asked := {text for name, _, text in TERM.findall(query) if name == "id"}:
            found = [each for each in found if each["legacyResourceId"] in asked]
        return (list(self._visible()) if warnings else found), warnings

    def page(self, arguments: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
        """Return one page of orders, and the warnings of the search."""
        first = arguments.get("first") or 0
        if not 1 <= first <= 250:
            raise Refused("first must be between 1 and 250")
        key = SORTS.get(arguments.get("sortKey") or "PROCESSED_AT", "processedAt")
        found, warnings = self.search(arguments.get("query") or "")
        found.sort(key=lambda each: (each[key], int(each["legacyResourceId"])))
        seen, after = _place(arguments.get("after"))
        if seen + first > CEILING:
            raise Refused("Pagination is limited to 25000 objects")
        if after is not None:
            found = [
                each
                for each in found
                if (each[key], int(each["legacyResourceId"])) > after
            ]
        part, more = found[:first], len(found) > first
        edges = [
            {"cursor": _cursor(seen + n, each[key], each), "node": _node(each)}
            for n, each in enumerate(part, start=1)
        ]
        end = edges[-1]["cursor"] if edges else None
        return {
            "edges": edges,
            "pageInfo": {"hasNextPage": more, "endCursor": end},
        }, warnings

    def lines(self, gid: str, first: int, after: str | None) -> dict[str, Any] | None:
        """Return a page of the lines of one order."""
        for each in self.orders:
            if each["id"] == gid:
                return lines_page(each["lineItems"], first, after)
        return None

    def touch(self, number: int, **changes: Any) -> None:
        """Change an order; it moves to the end of what is sorted by its update."""
        with self.lock:
            for each in self.orders:
                if each["legacyResourceId"] == str(number):
                    each.update({"updatedAt": stamp(self.clock.now()), **changes})

    def _visible(self) -> list[dict[str, Any]]:
        if "read_all_orders" in self.scopes:
            return self.orders
        oldest = stamp(self.clock.now() - timedelta(days=60))
        return [each for each in self.orders if each["createdAt"] >= oldest]


def _node(order: dict[str, Any]) -> dict[str, Any]:
    return {**order, "lineItems": order["lineItems"]}


def lines_page(
    lines: list[dict[str, Any]], first: int, after: str | None
) -> dict[str, Any]:
    start = int(base64.b64decode(after)) if after else 0
    part = lines[start : start + first]
    end = start + len(part)
    return {
        "edges": [{"node": each} for each in part],
        "pageInfo": {
            "hasNextPage": end < len(lines),
            "endCursor": base64.b64encode(str(end).encode()).decode(),
        },
    }


def _cursor(seen: int, value: str, order: dict[str, Any]) -> str:
    held = json.dumps([seen, value, int(order["legacyResourceId"])])
    return base64.b64encode(held.encode()).decode()


def _place(cursor: str | None) -> tuple[int, tuple[str, int] | None]:
    if cursor is None:
        return 0, None
    try:
        seen, value, number = json.loads(base64.b64decode(cursor))
    except ValueError:
        raise Refused("Invalid cursor for current pagination sort.") from None
    return seen, (value, number)


def _fits(value: str, sign: str, bound: str) -> bool:
    said, limit = datetime.fromisoformat(value), datetime.fromisoformat(bound)
    return {
        ">=": said >= limit, "<=": said <= limit, ">": said > limit, "<": said < limit,
        "": said == limit,
    }[sign]  # fmt: skip


def _warning(query: str, word: str) -> dict[str, Any]:
    return {
        "path": ["orders"],
        "query": query,
        "parsed": {},
        "warnings": [
            {"field": word, "message": "Invalid search field for this query.",
             "code": "invalid_field"}
        ],
    }  # fmt: skip
