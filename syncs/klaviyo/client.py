"""Ask a Klaviyo account, within its tiers, and name whatever comes instead of an answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPMethod, HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.conf import settings

from queues.errors import CannotUnseal
from queues.outbound import Call
from syncs import budgets
from syncs.budgets import Key, Window
from syncs.calls import Answer, ask, pause, refuse
from syncs.credentials import opened
from syncs.errors import (
    AccessRefused,
    ContractBroken,
    CursorInvalid,
    Misconfigured,
    ProviderError,
)
from syncs.models import Connection

MEDIA = "application/vnd.api+json"
SECOND, MINUTE, DAY = 1.0, 60.0, 86_400.0
RESERVE = 0.9
"""The share of a day's calls that is ours: the merchant's other tools need some."""
REPORTS = ("campaign-values-reports", "flow-values-reports", "flow-series-reports")
TIERS: dict[str, tuple[Window, ...]] = {
    "accounts": (Window(1, SECOND), Window(15, MINUTE)),
    "metrics": (Window(10, SECOND), Window(150, MINUTE)),
    "campaigns": (Window(10, SECOND), Window(150, MINUTE)),
    "flows": (Window(3, SECOND), Window(60, MINUTE)),
    "metric-aggregates": (Window(3, SECOND), Window(60, MINUTE)),
    **{
        report: (
            Window(1, SECOND), Window(2, MINUTE), Window(int(225 * RESERVE), DAY),
        )
        for report in REPORTS
    },
}  # fmt: skip
"""How often each endpoint of an account may be called."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the account answered, and when."""

    value: dict[str, Any]
    now: datetime

    def cursor(self, parameter: str) -> str | None:
        """Return the cursor of the next page, and nothing else of its address.

        The address itself is never called: it might lead elsewhere, with our key.
        """
        links = self.value.get("links")
        following = links.get("next") if isinstance(links, dict) else None
        if following is None:
            return None
        found = parse_qs(urlsplit(str(following)).query).get(parameter)
        if not found:
            raise ContractBroken(f"The next page has no {parameter}")
        return found[0]


class Klaviyo:
    """One account. Private keys of one account share its limits."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.account = connection.external_account or str(connection.pk)
        self.revision = connection.api_version or settings.KLAVIYO_REVISION
        try:
            self._key = opened(connection).get("access_token", "")
        except CannotUnseal:
            raise Misconfigured(
                "The key that sealed these credentials is gone: enter them again",
                code="sealed",
            ) from None
        if not self._key:
            raise AccessRefused(
                "There is no private key: connect Klaviyo", code="missing"
            )

    def get(self, endpoint: str, query: Mapping[str, str] | None = None) -> Reply:
        """Read a page of a list."""
        return self._ask(HTTPMethod.GET, endpoint, query or {}, None)

    def post(
        self,
        endpoint: str,
        kind: str,
        attributes: Mapping[str, Any],
        *,
        cursor: str | None = None,
    ) -> Reply:
        """Ask for a report."""
        body = json.dumps({"data": {"type": kind, "attributes": dict(attributes)}})
        query = {"page_cursor": cursor} if cursor else {}
        return self._ask(HTTPMethod.POST, endpoint, query, body.encode())

    def _ask(
        self, method: str, endpoint: str, query: Mapping[str, str], body: bytes | None
    ) -> Reply:
        key = Key("klaviyo", self.account, endpoint)
        ticket = budgets.reserve(key, TIERS[endpoint])
        answer: Answer | None = None
        try:
            answer = ask(self._call(method, endpoint, query, body), endpoint=endpoint)
        finally:
            budgets.settle(ticket, is_good=answer is not None and answer.status < 400)  # noqa: PLR2004
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise budgets.block(key, pause(answer))
        if answer.status != HTTPStatus.OK:
            raise _named(endpoint, answer)
        if not isinstance(answer.value, dict) or "data" not in answer.value:
            raise ContractBroken(f"{endpoint} answered without data", endpoint=endpoint)
        _believe(key, answer)
        return Reply(answer.value, answer.now)

    def _call(
        self, method: str, endpoint: str, query: Mapping[str, str], body: bytes | None
    ) -> Call:
        headers = {
            "Authorization": f"Klaviyo-API-Key {self._key}",
            "revision": self.revision,
            "accept": MEDIA,
        }
        if body is not None:
            headers["content-type"] = MEDIA
        said = f"?{urlencode(query)}" if query else ""
        base = settings.KLAVIYO_BASE_URL.rstrip("/")
        return Call(f"{base}/api/{endpoint}{said}", method, headers, body)


def _believe(key: Key, answer: Answer) -> None:
    """Stop where the provider says that nothing is left, whoever spent it."""
    left = answer.headers.get("ratelimit-remaining", "")
    reset = answer.headers.get("ratelimit-reset", "")
    if left == "0" and reset.isdecimal() and 0 < int(reset) <= DAY:
        budgets.tell_remaining(key, 0, float(reset))


def _named(endpoint: str, answer: Answer) -> ProviderError:
    """Return what a refusal is, by its status; its words only refine it."""
    errors = answer.value.get("errors") if isinstance(answer.value, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else {}
    first = first if isinstance(first, dict) else {}
    said = str(first.get("detail") or first.get("title") or "")[:200]
    if answer.status == HTTPStatus.BAD_REQUEST and "cursor" in said.lower():
        return CursorInvalid(f"{endpoint}: {said}", endpoint=endpoint)
    return refuse(answer, endpoint=endpoint, said=said)
