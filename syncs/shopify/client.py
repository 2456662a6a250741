"""Ask a shop, within its points, and name whatever comes instead of an answer."""

import json
import logging
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.conf import settings

from queues.outbound import Call
from syncs import budgets
from syncs.budgets import Bucket, Key, Ticket
from syncs.calls import Answer, ask, pause, refuse
from syncs.errors import (
    AccessRefused,
    ContractBroken,
    CursorInvalid,
    Misconfigured,
    ProviderError,
    Transient,
)
from syncs.models import Connection
from syncs.shopify import tokens

logger = logging.getLogger(__name__)

DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
STANDARD = Bucket(capacity=2000.0, restore=100.0)
"""The smallest bucket that shops have; the first answer tells the real one."""
DEAREST = 1000.0
"""Points that one query may ask for at most."""


class TooDear(ProviderError):
    """The query asks for more points than any may: ask for less at a time."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The data of a query, what it cost, and when the shop answered."""

    data: dict[str, Any]
    requested: float
    now: datetime


class Shop:
    """One shop, as one connection may see it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.domain = connection.external_account.strip().lower()
        if not DOMAIN.fullmatch(self.domain):
            raise Misconfigured(
                "The account must be a domain such as example.myshopify.com",
                code="bad_domain",
            )
        self.key = Key("shopify", self.domain, "points")
        self.version = connection.api_version or settings.SHOPIFY_API_VERSION

    def ask(
        self, name: str, query: str, variables: Mapping[str, Any], *, points: float
    ) -> Reply:
        """Make one query. `points` is what it may cost: less than said is refunded.

        A token that has just died is renewed once.
        """
        token = tokens.live(self.connection, self.domain)
        try:
            return self._ask(name, query, variables, points, token)
        except AccessRefused as refusal:
            if refusal.code != "token":
                raise
            fresh = tokens.renewed(self.connection, self.domain, dead=token)
            if fresh is None:
                raise
            return self._ask(name, query, variables, points, fresh)

    def _ask(
        self,
        name: str,
        query: str,
        variables: Mapping[str, Any],
        points: float,
        token: str,
    ) -> Reply:
        ticket = budgets.reserve(self.key, bucket=STANDARD, points=min(points, DEAREST))
        answer: Answer | None = None
        try:
            answer = ask(self._call(query, variables, token), endpoint=name)
        finally:
            cost = self._settle(ticket, answer)
        if (
            answer.status == HTTPStatus.TOO_MANY_REQUESTS
            or _code(answer) == "THROTTLED"
        ):
            raise self._throttled(name, answer, cost)
        if answer.status != HTTPStatus.OK:
            raise self._refused(name, answer)
        self._check_version(answer)
        return Reply(self._data(name, answer), cost.requested or points, answer.now)

    def _call(self, query: str, variables: Mapping[str, Any], token: str) -> Call:
        base = settings.SHOPIFY_BASE_URL.replace("{shop}", self.domain)
        return Call(
            url=f"{base}/admin/api/{self.version}/graphql.json",
            method="POST",
            headers={
                "X-Shopify-Access-Token": token,
                "Content-Type": "application/json",
            },
            body=json.dumps({"query": query, "variables": dict(variables)}).encode(),
        )

    def _settle(self, ticket: Ticket, answer: Answer | None) -> "Cost":
        cost = Cost.of(answer)
        budgets.settle(
            ticket,
            actual=cost.actual,
            status=cost.bucket,
            available=cost.available,
            is_good=answer is not None and answer.status == HTTPStatus.OK,
        )
        return cost

    def _throttled(self, name: str, answer: Answer, cost: "Cost") -> ProviderError:
        """Return the wait until the bucket holds what was asked for."""
        seconds = pause(answer)
        if (
            seconds is None
            and cost.bucket
            and cost.requested
            and cost.available is not None
        ):
            missing = max(0.0, cost.requested - cost.available)
            seconds = missing / (cost.bucket.restore or 1)
        return budgets.block(self.key, seconds)

    def _refused(self, name: str, answer: Answer) -> ProviderError:
        said = answer.value.get("errors") if isinstance(answer.value, dict) else None
        refusal = refuse(
            answer, endpoint=name, said=said if isinstance(said, str) else ""
        )
        if answer.status == HTTPStatus.UNAUTHORIZED:
            refusal.code = "token"
        return refusal

    def _check_version(self, answer: Answer) -> None:
        served = answer.headers.get("x-shopify-api-version", self.version)
        if served != self.version:
            # A retired version is served by another one instead of being refused.
            logger.warning(
                "version fell forward",
                extra={"provider": "shopify", "asked": self.version, "served": served},
            )

    def _data(self, name: str, answer: Answer) -> dict[str, Any]:
        """Return the data, whole; a half answer is none."""
        document = answer.value
        if not isinstance(document, dict):
            raise ContractBroken(f"{name} answered with no object", endpoint=name)
        if errors := document.get("errors"):
            raise _named(name, errors)
        for search in (document.get("extensions") or {}).get("search") or []:
            if search.get("warnings"):
                raise ContractBroken(
                    f"{name}: the search was not understood", code="search_warning", endpoint=name
                )  # fmt: skip
        data = document.get("data")
        if not isinstance(data, dict):
            raise ContractBroken(f"{name} answered without data", endpoint=name)
        return data


@dataclass(frozen=True, slots=True)
class Cost:
    """What the provider says of the price of a query; None where it says nothing."""

    requested: float | None = None
    actual: float | None = None
    bucket: Bucket | None = None
    available: float | None = None

    @classmethod
    def of(cls, answer: Answer | None) -> "Cost":
        """Read it with suspicion."""
        document = answer.value if answer and isinstance(answer.value, dict) else {}
        extensions = document.get("extensions")
        cost = extensions.get("cost") if isinstance(extensions, dict) else None
        if not isinstance(cost, dict):
            # A refused query, such as one that is too dear, costs nothing.
            return cls(actual=0.0) if document else cls()
        status = cost.get("throttleStatus")
        status = status if isinstance(status, dict) else {}
        capacity, restore = (
            _number(status.get(name)) for name in ("maximumAvailable", "restoreRate")
        )
        throttled = answer is not None and _code(answer) == "THROTTLED"
        return cls(
            requested=_number(cost.get("requestedQueryCost")),
            actual=0.0 if throttled else _number(cost.get("actualQueryCost")),
            bucket=Bucket(capacity, restore) if capacity and restore else None,
            available=_number(status.get("currentlyAvailable")),
        )


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _code(answer: Answer) -> str:
    errors = answer.value.get("errors") if isinstance(answer.value, dict) else None
    return _first_code(errors)


def _first_code(errors: object) -> str:
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        extensions = errors[0].get("extensions")
        if isinstance(extensions, dict):
            return str(extensions.get("code", ""))
    return ""


def _named(name: str, errors: object) -> ProviderError:
    """Return what the errors of an answer with status 200 are."""
    code = _first_code(errors)
    first = errors[0] if isinstance(errors, list) and errors else {}
    said = str(first.get("message", "") if isinstance(first, dict) else errors)[:200]
    text = f"{name}: {said or code or 'an error without a word'}"
    match code:
        case "MAX_COST_EXCEEDED":
            return TooDear(text, code="max_cost", endpoint=name)
        case "ACCESS_DENIED":
            return AccessRefused(text, code="scope", endpoint=name)
        case "INTERNAL_SERVER_ERROR":
            return Transient(text, code="internal", endpoint=name)
        case _:
            pass
    if "cursor" in said.lower():
        return CursorInvalid(text, endpoint=name)
    return ContractBroken(text, endpoint=name)
