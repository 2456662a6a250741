"""Call a provider over HTTP: its answer, or which half of a failure it was."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.utils import timezone

from cadences.errors import AccessRefused, ProviderDown, RateLimited, RequestRefused
from cadences.outcomes import Refused, Unknown, Why
from cadences.ports import DEADLINE, Sender
from queues import outbound
from queues.backoff import retry_after
from queues.errors import AddressRefused, NothingSent, Unreachable
from queues.outbound import Call, masked

MAX_SAID = 200
ASK_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What a provider answered; `body` is empty unless it was a JSON object."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    rows: list[Any] = field(default_factory=list)
    retry_after: float | None = None
    said: str = ""
    """What it says went wrong, fit for a log: our secrets are masked."""

    @property
    def is_good(self) -> bool:
        """Tell whether the provider did what was asked."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


def call(
    sender: Sender,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: object = None,
    seconds: float = DEADLINE,
) -> Reply:
    """Make one call; raises NothingSent, AddressRefused or Unreachable."""
    content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
    sent = {"content-type": "application/json", **headers}
    answer = outbound.send_now(
        Call(url=url, method=method, headers=sent, body=content),
        seconds=seconds,
        allow_private=settings.PROVIDERS_ALLOW_PRIVATE,
    )
    found = _json(answer.body)
    return Reply(
        status=answer.status,
        body=found if isinstance(found, dict) else {},
        rows=found if isinstance(found, list) else [],
        retry_after=retry_after(answer.headers, now=timezone.now()),
        said=masked(_said(found, answer.body), sent)[:MAX_SAID],
    )


def deliver(
    sender: Sender, url: str, *, headers: Mapping[str, str], body: object
) -> Reply | Refused | Unknown:
    """Post a message: an answer, or what a failure without one means."""
    try:
        return call(sender, "POST", url, headers=headers, body=body)
    except NothingSent as error:
        return Refused(Why.NOT_SENT, masked(str(error), headers)[:MAX_SAID])
    except AddressRefused as error:
        return Refused(Why.SENDER, str(error)[:MAX_SAID], code="address")
    except Unreachable as error:
        return Unknown(masked(str(error), headers)[:MAX_SAID])


def ask(
    sender: Sender, method: str, url: str, *, headers: Mapping[str, str],
    body: object = None,
) -> Reply:  # fmt: skip
    """Ask something that changes nothing; raises a ProviderError unless it is answered."""
    try:
        reply = call(
            sender, method, url, headers=headers, body=body, seconds=ASK_SECONDS
        )
    except AddressRefused as error:
        raise RequestRefused(str(error)) from None
    except Unreachable as error:
        raise ProviderDown(masked(str(error), headers)) from None
    if reply.is_good:
        return reply
    said = f"{reply.status}: {reply.said}"
    if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise AccessRefused(said)
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise RateLimited(said, retry_after=reply.retry_after)
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ProviderDown(said)
    raise RequestRefused(said)


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _said(found: object, text: str) -> str:
    """Return what an answer says of itself, as one line."""
    if isinstance(found, dict):
        said = found.get("error") or found.get("message") or found.get("response")
        if isinstance(said, dict):
            said = said.get("message") or said.get("error") or json.dumps(said)
        text = str(said or "") or text
    return " ".join(text.split()) or "no reason given"
