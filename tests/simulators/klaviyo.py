"""A stand-in for Klaviyo's API on a real socket, with its limits and refusals."""

import base64
import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.simulators.clock import Clock
from tests.simulators.faults import Fault, Faults, Reply, answer
from tests.simulators.klaviyo_account import TIERS, Account, numbers
from tests.simulators.ledger import Entry, Ledger
from tests.simulators.wire import Request, serving

MEDIA = "application/vnd.api+json"
FIRST, LAST = "2024-11-22", "2026-10-15"
REPORTS = {"campaign-values-reports": "campaign", "flow-values-reports": "flow"}


class Refusal(Exception):
    """A status other than 2xx, with the provider's code and text."""

    def __init__(
        self, status: int, code: str, detail: str, pointer: str = "/data/"
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.pointer = status, code, pointer


class Klaviyo:
    """Any number of accounts behind one address."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.accounts: dict[str, Account] = {}
        self.faults = Faults()
        self.ledger = Ledger()
        self.url = ""
        self.page_size: dict[str, int] = {}

    def account(self, public_key: str = "AbC123", **more: Any) -> Account:
        """Open an account."""
        made = Account(public_key, self.clock, **more)
        self.accounts[public_key] = made
        return made

    def answer(self, request: Request) -> tuple[Reply, dict[str, Fault]]:
        """Answer one request, or let a fault do it."""
        endpoint = request.path.rstrip("/").removeprefix("/api/")
        struck = self.faults.strike(endpoint)
        account: Account | None = None
        throttled = False
        try:
            account = self._door(request, endpoint, struck)
            with account.lock:
                throttled = bool(self._wait(account, endpoint, struck))
                value = self._value(account, endpoint, request, struck)
                if "wrong_shape" in struck:
                    value["data"] = "nothing"
            reply = answer(
                200, value, {**account.left(endpoint), "Content-Type": MEDIA}
            )
        except Refusal as refusal:
            throttled = refusal.status == 429
            reply = _refused(refusal)
            if throttled:
                reply.headers["Retry-After"] = refusal.pointer
        status = 0 if {"hang", "drip", "reset"} & struck.keys() else reply.status
        skew = struck["clock_skew"].value if "clock_skew" in struck else 0
        told = datetime.fromtimestamp(self.clock.seconds() + skew, UTC)
        reply.headers["Date"] = format_datetime(told, usegmt=True)
        name = account.public_key if account else ""
        detail = json.dumps(request.json()) if request.body else str(request.query)
        self.ledger.write(
            Entry(self.clock.seconds(), name, endpoint, status, 1, detail, throttled)
        )
        return reply, struck

    def _door(  # noqa: C901, PLR0912 - one refusal a line
        self, request: Request, endpoint: str, struck: dict[str, Fault]
    ) -> Account:
        revision = request.headers.get("revision", "")
        if not revision:
            raise Refusal(400, "invalid", "A valid revision header is required.")
        if revision < FIRST or "retired" in struck:
            raise Refusal(410, "gone", "This revision has been retired.")
        if revision > LAST:
            raise Refusal(400, "invalid", "Invalid revision.")
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if "auth_revoked" in struck:
            for each in self.accounts.values():
                each.keys.discard(key)
        for each in self.accounts.values():
            if scheme == "Klaviyo-API-Key" and key in each.keys:
                break
        else:
            raise Refusal(
                401,
                "not_authenticated",
                "Authentication credentials were not provided.",
            )
        if "forbidden" in struck:
            raise Refusal(403, "permission_denied", "You do not have permission.")
        if endpoint not in TIERS:
            raise Refusal(404, "not_found", "Not found.")
        if (request.method == "POST") != endpoint.endswith(("reports", "aggregates")):
            raise Refusal(405, "method_not_allowed", "Method not allowed.")
        if request.method == "POST" and request.headers.get("content-type") != MEDIA:
            raise Refusal(415, "unsupported_media_type", "Unsupported media type.")
        return each

    def _wait(self, account: Account, endpoint: str, struck: dict[str, Fault]) -> float:
        if fault := struck.get("retry_after"):
            raise Refusal(429, "throttled", "Request was throttled.", str(fault.value))
        wait = account.wait(endpoint)
        if wait > 0:
            said = (
                f"Request was throttled. Expected available in {int(wait) + 1} seconds."
            )
            raise Refusal(429, "throttled", said, str(int(wait) + 1))
        return 0.0

    def _value(  # noqa: PLR0911
        self,
        account: Account,
        endpoint: str,
        request: Request,
        struck: dict[str, Fault],
    ) -> dict[str, Any]:
        match endpoint:
            case "accounts":
                return {"data": [account.facts()], "links": {"self": self.url}}
            case "metrics":
                return self._page(endpoint, account.metrics, request, struck, most=200)
            case "campaigns":
                found = _filtered(account.campaigns, _one(request, "filter"))
                return self._page(endpoint, found, request, struck, most=100)
            case "flows":
                return self._page(endpoint, account.flows, request, struck, most=50)
            case "metric-aggregates":
                return self._aggregate(account, request)
            case "campaign-values-reports" | "flow-values-reports":
                return self._report(account, endpoint, request, struck)
            case _:
                raise Refusal(404, "not_found", "Not found.")

    def _page(
        self, endpoint: str, rows: list[Any], request: Request, struck: dict[str, Fault], most: int,
        parameter: str = "page[cursor]",
    ) -> dict[str, Any]:  # fmt: skip
        asked = _one(request, "page[size]")
        if asked and (endpoint == "metrics" or not 1 <= int(asked) <= most):
            raise Refusal(400, "invalid", "Invalid page size.")
        size = self.page_size.get(endpoint) or int(asked or most)
        start = _start(_one(request, parameter), expired="cursor_expired" in struck)
        end = start + size
        cursor = base64.urlsafe_b64encode(f"at:{end}".encode()).decode()
        if "same_cursor" in struck:
            cursor, end = base64.urlsafe_b64encode(b"at:0").decode(), 0
        more = end < len(rows) or "same_cursor" in struck
        base = (
            struck["foreign_next_link"].value
            if "foreign_next_link" in struck
            else self.url
        )
        name = parameter.replace("[", "%5B").replace("]", "%5D")
        part = [
            {k: v for k, v in each.items() if k != "channel"}
            for each in rows[start : start + size]
        ]
        if "drop_rows" in struck:
            del part[: struck["drop_rows"].value]
        if "missing_field" in struck:
            part = [
                {k: v for k, v in each.items() if k != "attributes"} for each in part
            ]
        return {
            "data": part,
            "links": {"self": self.url, "prev": None,
                      "next": f"{base}/api/{endpoint}?{name}={cursor}" if more else None},
        }  # fmt: skip

    def _report(
        self,
        account: Account,
        endpoint: str,
        request: Request,
        struck: dict[str, Fault],
    ) -> dict[str, Any]:
        kind = REPORTS[endpoint]
        asked = _attributes(request, f"{kind}-values-report")
        grouped = asked.get("group_by") or [
            f"{kind}_id",
            f"{kind}_message_id",
            "send_channel",
        ]
        if not {f"{kind}_id", f"{kind}_message_id"} <= set(grouped):
            raise Refusal(
                400, "invalid", f"group_by must include {kind}_id and {kind}_message_id"
            )
        if asked.get("conversion_metric_id") not in {
            each["id"] for each in account.metrics
        }:
            raise Refusal(400, "invalid", "Invalid conversion metric.")
        start, end = _frame(asked.get("timeframe"), account)
        names = asked["statistics"]
        window = f"{start.date()}:{end.date()}"
        if kind == "campaign":
            keys = [(each["id"], each["relationships"]["campaign-messages"]["data"][0]["id"],
                     each["channel"]) for each in account.sent(start, end)]  # fmt: skip
        else:
            keys = [(each["id"], f"M{each['id']}", "email") for each in account.flows]
        rows = [
            {"groupings": {f"{kind}_id": one, f"{kind}_message_id": message, "send_channel": by},
             "statistics": numbers(f"{one}{window if kind == 'flow' else ''}", names)}
            for one, message, by in keys
        ]  # fmt: skip
        page = self._page(
            endpoint, rows, request, struck, most=1000, parameter="page_cursor"
        )
        page["data"] = {
            "type": f"{kind}-values-report",
            "attributes": {"results": page["data"]},
        }
        return page

    def _aggregate(self, account: Account, request: Request) -> dict[str, Any]:
        asked = _attributes(request, "metric-aggregate")
        if asked.get("timezone") in ("Europe/Kyiv", "Pacific/Kanton", "Factory"):
            raise Refusal(400, "invalid", "Invalid timezone.")
        zone = ZoneInfo(asked.get("timezone") or "UTC")
        bounds = [re.search(r"datetime,([^)]+)\)", each) for each in asked["filter"]]
        start, end = (datetime.fromisoformat(each.group(1)) for each in bounds if each)
        if end - start > timedelta(days=366):
            raise Refusal(400, "invalid", "Range may not exceed one year.")
        days = max(1, (end - start).days)
        dates = [
            (start + timedelta(days=n)).replace(tzinfo=zone).isoformat()
            for n in range(days)
        ]
        by = (asked.get("by") or [""])[0]
        groups = {"$value_currency": account.currencies or (account.currency,)}.get(
            by, ("01HMSG0001", "")
        )
        data = [
            {"dimensions": [group] if by else [],
             "measurements": {"count": [n % 5 for n in range(days)],
                              "sum_value": [(n % 5) * 149.5 for n in range(days)]}}
            for group in (groups if by else ("",))
        ]  # fmt: skip
        attributes = {"dates": dates, "data": data}
        return {"data": {"type": "metric-aggregate", "id": "agg1", "attributes": attributes},
                "links": {"self": self.url, "next": None}}  # fmt: skip


@contextmanager
def klaviyo(clock: Clock | None = None, port: int = 0) -> Iterator[Klaviyo]:
    """Serve on the loopback interface until the block ends."""
    simulator = Klaviyo(clock)
    with serving(simulator, port) as number:
        simulator.url = f"http://127.0.0.1:{number}"
        yield simulator


def _one(request: Request, name: str) -> str:
    return request.query.get(name, [""])[0]


def _filtered(rows: list[Any], text: str) -> list[Any]:
    channel = re.search(r"equals\(messages\.channel,'(\w+)'\)", text)
    if channel is None:
        raise Refusal(400, "invalid", "A channel filter is required to list campaigns.")
    archived = "equals(archived,true)" in text
    found = [
        each for each in rows
        if each["channel"] == channel.group(1) and each["attributes"]["archived"] is archived
    ]  # fmt: skip
    if since := re.search(r"greater-or-equal\(updated_at,([^)]+)\)", text):
        oldest = datetime.fromisoformat(since.group(1))
        found = [
            each
            for each in found
            if datetime.fromisoformat(each["attributes"]["updated_at"]) >= oldest
        ]
    return found


def _start(cursor: str, *, expired: bool) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(cursor).decode().partition(":")
    except ValueError:
        word, number = "", ""
    if word != "at" or expired:
        raise Refusal(400, "invalid", "Invalid cursor provided.")
    return int(number)


def _attributes(request: Request, kind: str) -> dict[str, Any]:
    data = (request.json() or {}).get("data") or {}
    if data.get("type") != kind:
        raise Refusal(400, "invalid", f"Expected a {kind}.")
    return dict(data["attributes"])


def _frame(frame: Any, account: Account) -> tuple[datetime, datetime]:
    """Return wall times of the account; an offset in what was said is ignored."""
    if not isinstance(frame, dict) or {"start", "end"} - frame.keys():
        raise Refusal(400, "invalid", "Invalid timeframe.")
    start, end = (
        datetime.fromisoformat(frame[each]).replace(tzinfo=None)
        for each in ("start", "end")
    )
    if end - start > timedelta(days=366):
        raise Refusal(400, "invalid", "Timeframe may not exceed one year.")
    return start, end


def _refused(refusal: Refusal) -> Reply:
    error = {
        "id": str(uuid.uuid4()), "status": refusal.status, "code": refusal.code,
        "title": "Invalid input.", "detail": str(refusal), "source": {"pointer": "/data/"},
        "links": {}, "meta": {},
    }  # fmt: skip
    return answer(refusal.status, {"errors": [error]}, {"Content-Type": MEDIA})
