"""Talk to SprintHub: pages of a segment, pages of leads, errors by their meaning."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.utils import timezone

from queues.errors import AddressRefused, Unreachable
from queues.outbound import Answer, Call, masked, send
from syncs import budgets
from syncs.budgets import Key, Ticket, Window
from syncs.errors import (
    ContractBroken,
    Misconfigured,
    ProviderError,
    RateLimited,
    Transient,
    Wait,
)
from syncs.segments.answers import LeadGone, as_object, list_of, refuse_status

ROWS_A_PAGE = 100
IDS_A_PAGE = 1000
AT_ONCE = 4
"""Pages of leads that are asked for side by side."""
DEADLINE = 60.0
MOST_BYTES = 20 * 1024 * 1024
SAID = 200
FIELDS = (
    "id,fullname,firstname,lastname,email,whatsapp,mobile,phone,city,state,"
    "updatedDate,createDate,archived"
)
ORDERS = {"created": ("createDate", "asc"), "updated": ("updatedDate", "desc")}
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Access:
    """Where an account is, and what opens it. It has no text that shows the token."""

    base_url: str
    token: str
    instance: str
    zone: str = "America/Sao_Paulo"
    in_query: bool = False
    """Some instances take the token in the address only."""
    allow_private: bool = False

    def __repr__(self) -> str:
        return f"Access({self.base_url!r}, {self.instance!r})"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a segment, and how many leads SprintHub says there are in all."""

    total: int
    rows: Sequence[Any]


@dataclass(slots=True)
class Details:
    """What is said of some leads: None for one that is gone; and what went wrong."""

    found: dict[str, Row | None] = field(default_factory=dict)
    error: ProviderError | None = None


class SprintHub:
    """One account. It counts its calls, never retries and never sleeps."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._key = Key("sprinthub", access.instance, "calls")
        self.calls = 0

    def ids(self, segment: int, page: int) -> Page:
        """Return a page of the ids of those in the segment who are not archived."""
        body = _question(page, IDS_A_PAGE, "{total,leads{id}}", order="created")
        body |= {"idOnly": True, "showArchived": False}
        return self._page(segment, body)

    def rows(self, segment: int, page: int, *, order: str = "created") -> Page:
        """Return a page of rows, the archived ones among them."""
        query = f"{{total,leads{{{FIELDS}}}}}"
        return self._page(segment, _question(page, ROWS_A_PAGE, query, order=order))

    def details(self, ids: Sequence[str]) -> Details:
        """Return the pages of as many of these leads as may be asked for now.

        One that fails does not lose the others.
        """
        tickets = self._reserve(len(ids))
        try:
            told = asyncio.run(self._details(ids[: len(tickets)]))
        finally:
            self._settle(tickets)
        if isinstance(told.error, RateLimited):
            told.error = self._block(told.error)
        return told

    def segments(self) -> Sequence[Row]:
        """Return what segments there are."""
        query = "{segments{id,name,alias,isPublished,totalLeads,lastLeadUpdate}}"
        data = self._one("GET", "/segments", query={"query": query})
        return list_of(data, "segments", "/segments")

    def _page(self, segment: int, body: Mapping[str, Any]) -> Page:
        path = f"/leadsfromtype/segment/{segment}"
        data = self._one("POST", path, body=body)
        rows = list_of(data, "leads", path)
        total = data["data"].get("total")
        if type(total) is not int or total < 0:
            raise ContractBroken("A page without a total", endpoint=path)
        return Page(total, rows)

    def _one(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        tickets = self._reserve(1)
        try:
            return asyncio.run(self._ask(method, path, **more))
        except RateLimited as error:
            raise self._block(error) from None
        finally:
            self._settle(tickets)

    def _reserve(self, most: int) -> list[Ticket]:
        """Return the right to make up to so many calls; raise a Wait if not even one."""
        window = Window(settings.SPRINTHUB_CALLS_A_MINUTE, 60)
        tickets: list[Ticket] = []
        while len(tickets) < most:
            try:
                tickets.append(budgets.reserve(self._key, [window]))
            except Wait:
                if not tickets:
                    raise
                break
        return tickets

    def _settle(self, tickets: Sequence[Ticket]) -> None:
        for each in tickets:
            budgets.settle(each)

    def _block(self, error: RateLimited) -> Wait:
        """Let nobody call this account before the wait is over."""
        seconds = (error.until - timezone.now()).total_seconds()
        return budgets.block(self._key, seconds)

    async def _details(self, ids: Sequence[str]) -> Details:
        gate = asyncio.Semaphore(AT_ONCE)
        told = Details()

        async def one(key: str) -> None:
            async with gate:
                try:
                    told.found[key] = await self._detail(key)
                except LeadGone:
                    told.found[key] = None
                except ProviderError as error:
                    told.error = error

        await asyncio.gather(*(one(key) for key in ids))
        return told

    async def _detail(self, key: str) -> Row:
        path = f"/leads/{int(key)}"
        try:
            data = await self._ask("GET", path, query={"allFields": "1"})
        except ContractBroken as error:
            raise ContractBroken(str(error), endpoint="/leads/{id}") from None
        match data.get("data"):
            case {"lead": dict() as lead}:
                return lead
            case _:
                raise ContractBroken("A lead without a lead", endpoint="/leads/{id}")

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the JSON object of an answer, or raise what it means."""
        call = self._call(method, path, dict(query or {}), body)
        self.calls += 1
        try:
            answer = await send(
                call, seconds=DEADLINE, most=MOST_BYTES,
                allow_private=self._access.allow_private,
            )  # fmt: skip
        except AddressRefused as error:
            raise Misconfigured(str(error), endpoint=path) from None
        except Unreachable as error:
            raise Transient(self._clean(str(error), call), endpoint=path) from None
        return self._judge(answer, call, path)

    def _call(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        body: Mapping[str, Any] | None,
    ) -> Call:
        access = self._access
        headers = {"accept": "application/json", "apitoken": access.token}
        headers["authorization"] = f"Bearer {access.token}"
        query = {"i": access.instance, **query}
        if access.in_query:
            headers = {"accept": "application/json"}
            query["apitoken"] = access.token
        if body is not None:
            headers["content-type"] = "application/json"
        return Call(
            f"{access.base_url}{path}?{urlencode(query)}", method, headers,
            None if body is None else json.dumps(body).encode(),
        )  # fmt: skip

    def _clean(self, text: str, call: Call) -> str:
        token = self._access.token
        return masked(text, call.headers).replace(token, "•••")[:SAID]

    def _judge(self, answer: Answer, call: Call, path: str) -> dict[str, Any]:
        """Classify before parsing: status, type, JSON, then what it says."""
        data = as_object(answer)
        said = self._clean(str((data or {}).get("msg") or ""), call)
        text = f"SprintHub answered {answer.status}{': ' if said else ''}{said}"
        refuse_status(answer, said.lower(), text, path)
        if answer.truncated:
            raise ContractBroken("An answer of more than 20 MB", endpoint=path)
        if data is None:
            raise Transient(f"{text}, but no JSON", code="no_json", endpoint=path)
        if "data" not in data or data["data"] is None:
            raise ContractBroken(f"{text}, but no data", endpoint=path)
        return data


def access(base_url: str, token: str, instance: str, **more: Any) -> Access:
    """Return the access to an account, or raise Misconfigured that names what misses."""
    for name, value in (
        ("SPRINTHUB_BASE_URL", base_url),
        ("SPRINTHUB_API_TOKEN", token),
        ("SPRINTHUB_INSTANCE", instance),
    ):
        if not value:
            raise Misconfigured(f"{name} is not set", code="not_set")
    url = base_url if "//" in base_url else f"https://{base_url}"
    if urlsplit(url).scheme not in {"http", "https"}:
        raise Misconfigured("SPRINTHUB_BASE_URL is no web address", code="not_set")
    return Access(url.rstrip("/"), token, instance, **more)


def _question(page: int, limit: int, query: str, *, order: str) -> dict[str, Any]:
    key, direction = ORDERS[order]
    return {
        "page": page, "limit": limit, "orderByKey": key, "orderByDirection": direction,
        "showAnon": False, "search": "", "query": query, "showArchived": True,
        "additionalFilter": None, "idOnly": False,
    }  # fmt: skip
