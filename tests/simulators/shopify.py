"""A stand-in for Shopify's Admin GraphQL API on a real socket.

It refuses what the provider refuses: wrong tokens, dear queries, an empty bucket,
unknown fields and arguments; and it lies where the provider lies: a search with an
unquoted time is answered unfiltered, old orders are absent without their scope.
"""

import hashlib
import hmac
import math
import secrets
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from tests.simulators.clock import Clock
from tests.simulators.faults import Fault, Faults, Reply, answer
from tests.simulators.graphql import Refused, parse, shaped
from tests.simulators.ledger import Entry, Ledger
from tests.simulators.shopify_bulk import bulk_cancel, bulk_poll, bulk_run
from tests.simulators.shopify_shop import Shop, lines_page
from tests.simulators.wire import Request, serving

VERSIONS = ("2026-01", "2026-04", "2026-07", "2026-10")
MOST_COST = 1000
TOKEN = "shpat_example_0001"


class Shopify:
    """Any number of shops behind one address: `/{domain}/admin/…`."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.shops: dict[str, Shop] = {}
        self.faults = Faults()
        self.ledger = Ledger()
        self.throttle_status = 200
        self.falls_forward_to: str | None = None
        self.url = ""
        self.in_flight = self.most_in_flight = 0
        self._lock = threading.Lock()

    def shop(self, name: str, token: str = TOKEN, **more: Any) -> Shop:
        """Open a shop."""
        domain = f"{name}.myshopify.com"
        made = Shop(domain, self.clock, **more)
        made.tokens[token] = None
        self.shops[domain] = made
        return made

    def answer(self, request: Request) -> tuple[Reply, dict[str, Fault]]:
        """Answer one request, or let a fault do it."""
        with self._lock:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return self._answer(request)
        finally:
            with self._lock:
                self.in_flight -= 1

    def _answer(self, request: Request) -> tuple[Reply, dict[str, Fault]]:
        domain, _, rest = request.path.strip("/").partition("/")
        shop = self.shops.get(domain)
        if shop is None:
            return answer(404, {"errors": "Not Found"}), {}
        endpoint = self._endpoint(rest, request)
        struck = self.faults.strike(endpoint)
        with shop.lock:
            reply, cost, throttled = self._dispatch(
                shop, rest, request, endpoint, struck
            )
        status = 0 if {"hang", "drip", "reset"} & struck.keys() else reply.status
        self.ledger.write(
            Entry(self.clock.seconds(), domain, endpoint, status, cost,
                  str((request.json() or {}).get("variables", "")) if rest.endswith("json") else "",
                  throttled)
        )  # fmt: skip
        skew = struck["clock_skew"].value if "clock_skew" in struck else 0
        told = datetime.fromtimestamp(self.clock.seconds() + skew, UTC)
        reply.headers["Date"] = format_datetime(told, usegmt=True)
        return reply, struck

    def _endpoint(self, rest: str, request: Request) -> str:
        if rest.endswith("graphql.json"):
            words = (
                str((request.json() or {}).get("query", "")).replace("(", " ").split()
            )
            return (
                words[1]
                if len(words) > 1 and words[0] in ("query", "mutation")
                else "?"
            )
        return "token" if rest.endswith("access_token") else "file"

    def _dispatch(
        self,
        shop: Shop,
        rest: str,
        request: Request,
        endpoint: str,
        struck: dict[str, Fault],
    ) -> tuple[Reply, float, bool]:
        if endpoint == "token":
            return self._token(shop, request, struck), 0, False
        if endpoint == "file":
            body = shop.files.get(rest.rpartition("/")[2])
            if body is None or "bulk_url_expired" in struck:
                return (
                    Reply(403, b"<Error/>", {"Content-Type": "application/xml"}),
                    0,
                    False,
                )
            return _ranged(body, request), 0, False
        if refused := self._door(shop, request, struck):
            return refused, 0, False
        reply, cost, throttled = self._graphql(shop, request, struck)
        asked = rest.split("/")[2]
        reply.headers["X-Shopify-Api-Version"] = self.falls_forward_to or asked
        reply.headers["X-Request-Id"] = secrets.token_hex(8)
        return reply, cost, throttled

    def _door(
        self, shop: Shop, request: Request, struck: dict[str, Fault]
    ) -> Reply | None:
        if shop.frozen:
            return answer(shop.frozen, {"errors": "Unavailable Shop"})
        token = request.headers.get("x-shopify-access-token", "")
        if "auth_revoked" in struck:
            shop.tokens.pop(token, None)
        dies = shop.tokens.get(token, 0.0)
        if dies is not None and dies <= self.clock.seconds():
            said = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return answer(401, {"errors": said})
        for refresh, access in list(shop.refresh_tokens.items()):
            if access == token:  # first use of the new pair: the old one dies
                for other in list(shop.refresh_tokens):
                    if other != refresh:
                        del shop.refresh_tokens[other]
        return None

    def _graphql(
        self, shop: Shop, request: Request, struck: dict[str, Fault]
    ) -> tuple[Reply, float, bool]:
        said = request.json() or {}
        try:
            fields = parse(said.get("query", ""), said.get("variables") or {})
        except Refused as refused:
            return answer(200, {"errors": [{"message": str(refused)}]}), 0, False
        requested = self._cost(shop, fields)
        if requested > MOST_COST:
            return answer(200, _dear(requested)), 0, False
        available = shop.bucket.refill()
        if fault := struck.get("throttle"):  # somebody else was there before
            available = shop.bucket.level = min(available, fault.value or 0)
        if available < requested:
            return self._throttled(shop, requested), requested, True
        try:
            data, extra, count = self._data(shop, fields, struck)
        except Refused as refused:
            return answer(200, {"errors": [{"message": str(refused)}]}), 0, False
        actual = min(requested, math.ceil(2 + count * shop.order_cost * 0.6))
        shop.bucket.level -= actual
        cost = {"requestedQueryCost": requested, "actualQueryCost": actual,
                "throttleStatus": shop.bucket.status()}  # fmt: skip
        body: dict[str, Any] = {"data": data, "extensions": {"cost": cost, **extra}}
        if "errors_and_data" in struck:
            body["errors"] = [{"message": "Internal error", "path": ["orders"],
                               "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]  # fmt: skip
        if "error_code" in struck:
            code = struck["error_code"].value
            body = {"errors": [{"message": code, "extensions": {"code": code}}]}
        return answer(200, body), actual, False

    def _throttled(self, shop: Shop, requested: float) -> Reply:
        cost = {"requestedQueryCost": requested, "actualQueryCost": None,
                "throttleStatus": shop.bucket.status()}  # fmt: skip
        errors = [
            {
                "message": "Throttled",
                "extensions": {
                    "code": "THROTTLED",
                    "documentation": "https://shopify.dev/api/usage/rate-limits",
                },
            }
        ]
        return answer(
            self.throttle_status, {"errors": errors, "extensions": {"cost": cost}}
        )

    def _cost(self, shop: Shop, fields: list[Any]) -> int:
        total = 1.0
        for each in fields:
            if each.name == "orders":
                total += 1 + (each.arguments.get("first") or 0) * shop.order_cost
            elif each.name.startswith("bulkOperationRun"):
                total += 9
            elif each.name == "order":
                total += 10
        return math.ceil(total)

    def _data(
        self, shop: Shop, fields: list[Any], struck: dict[str, Fault]
    ) -> tuple[dict[str, Any], dict[str, Any], int]:
        data: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        count = 0
        for each in fields:
            if each.name == "orders":
                value, warnings = self._orders(shop, each, struck)
                count += len(value["edges"])
                if warnings:
                    extra["search"] = warnings
            else:
                value = self._other(shop, each, struck)
            data[each.name] = shaped(value, each.fields, each.name)
            _bend(data, struck)
        return data, extra, count

    def _orders(
        self, shop: Shop, field: Any, struck: dict[str, Fault]
    ) -> tuple[dict[str, Any], list[Any]]:
        page, warnings = shop.page(field.arguments)
        nested = _nested(field, "lineItems")
        for edge in page["edges"]:
            edge["node"]["lineItems"] = lines_page(
                edge["node"]["lineItems"], nested, None
            )
        if "same_cursor" in struck:
            page["pageInfo"] = {"hasNextPage": True, "endCursor": "c2FtZQ=="}
        if "empty_page" in struck:
            page = {"edges": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
        if "drop_rows" in struck:
            del page["edges"][: struck["drop_rows"].value]
        if "foreign_order" in struck and page["edges"]:
            page["edges"][0]["node"]["updatedAt"] = "2001-01-01T00:00:00Z"
        return page, warnings

    def _other(  # noqa: C901, PLR0911, PLR0912
        self, shop: Shop, field: Any, struck: dict[str, Fault]
    ) -> Any:
        match field.name:
            case "shop":
                return shop.facts()
            case "currentAppInstallation":
                return {"accessScopes": [{"handle": each} for each in shop.scopes]}
            case "ordersCount":
                found, _ = shop.search(field.arguments.get("query") or "")
                off = (
                    struck["count_mismatch"].value if "count_mismatch" in struck else 0
                )
                return {"count": len(found) + off, "precision": "EXACT"}
            case "order":
                nested = next(each for each in field.fields if each.name == "lineItems")
                lines = shop.lines(
                    field.arguments["id"],
                    nested.arguments["first"],
                    nested.arguments.get("after"),
                )
                return (
                    None
                    if lines is None
                    else {"id": field.arguments["id"], "lineItems": lines}
                )
            case "bulkOperationRunQuery":
                return bulk_run(shop, field.arguments["query"], struck)
            case "bulkOperation":
                return bulk_poll(shop, field.arguments["id"], self.url, struck)
            case "bulkOperationCancel":
                return bulk_cancel(shop, field.arguments["id"])
            case "webhookSubscriptions":
                return {"edges": [{"node": each} for each in shop.subscriptions]}
            case "webhookSubscriptionCreate":
                made = {"id": f"gid://shopify/WebhookSubscription/{len(shop.subscriptions) + 1}",
                        "topic": field.arguments["topic"], "uri": field.arguments["uri"]}  # fmt: skip
                shop.subscriptions.append(made)
                return {"webhookSubscription": made, "userErrors": []}
            case _:
                raise Refused(f"Field {field.name!r} doesn't exist on 'QueryRoot'")

    def _token(self, shop: Shop, request: Request, struck: dict[str, Fault]) -> Reply:
        said = request.json() or {}
        if (said.get("client_id"), said.get("client_secret")) != shop.client:
            return answer(400, {"error": "invalid_client"})
        shop.made += 1
        access = f"shpat_made_{shop.made:04d}"
        if said.get("grant_type") == "client_credentials":
            shop.tokens[access] = self.clock.seconds() + 86_399
            return answer(200, {"access_token": access, "scope": ",".join(shop.scopes),
                                "expires_in": 86399})  # fmt: skip
        if said.get("refresh_token") not in shop.refresh_tokens:
            return answer(400, {"error": "invalid_request"})
        refresh = f"shprt_made_{shop.made:04d}"
        shop.refresh_tokens[refresh] = access
        shop.tokens[access] = self.clock.seconds() + shop.token_seconds
        return answer(200, {"access_token": access, "expires_in": int(shop.token_seconds),
                            "refresh_token": refresh, "refresh_token_expires_in": 7_776_000,
                            "scope": ",".join(shop.scopes)})  # fmt: skip


@contextmanager
def shopify(clock: Clock | None = None, port: int = 0) -> Iterator[Shopify]:
    """Serve on the loopback interface until the block ends."""
    simulator = Shopify(clock)
    with serving(simulator, port) as number:
        simulator.url = f"http://127.0.0.1:{number}"
        yield simulator


def signature(body: bytes, secret: str) -> str:
    """Return what X-Shopify-Hmac-Sha256 says of a body."""
    return b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def _ranged(body: bytes, request: Request) -> Reply:
    """Return the bytes that were asked for, or all."""
    kind = {"Content-Type": "application/jsonl"}
    asked = request.headers.get("range", "")
    if not asked.startswith("bytes="):
        return Reply(200, body, kind)
    first, _, last = asked.removeprefix("bytes=").partition("-")
    part = body[int(first) : int(last) + 1]
    span = f"bytes {first}-{int(first) + len(part) - 1}/{len(body)}"
    return Reply(206, part, {**kind, "Content-Range": span})


def _nested(field: Any, name: str) -> int:
    for each in field.fields:
        if each.name == name:
            return int(each.arguments.get("first") or 50)
        if found := _nested(each, name):
            return found
    return 0


def _bend(data: dict[str, Any], struck: dict[str, Fault]) -> None:
    """Surprise the client with fields that are missing, new or of another type."""
    edges = (data.get("orders") or {}).get("edges") or []
    for edge in (
        edges[: struck["missing_field"].value or 1] if "missing_field" in struck else []
    ):
        edge["node"].pop("totalPriceSet", None)
    for edge in (
        edges[: struck["wrong_type"].value or 1] if "wrong_type" in struck else []
    ):
        edge["node"]["processedAt"] = 20261120
    for edge in edges if "extra_field" in struck else []:
        edge["node"]["loyaltyTier"] = "gold"
    if "no_connection" in struck:
        data["orders"] = None


def _dear(cost: float) -> dict[str, Any]:
    said = (
        f"Query cost is {cost}, which exceeds the single query max cost limit (1000)."
    )
    extensions = {"code": "MAX_COST_EXCEEDED", "cost": cost, "maxCost": MOST_COST}
    return {"errors": [{"message": said, "extensions": extensions}]}
