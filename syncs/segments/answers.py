"""What an answer of SprintHub means: read before it is believed."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NoReturn

from django.utils import timezone

from queues.backoff import retry_after
from queues.outbound import Answer
from syncs.errors import (
    AccessRefused,
    ContractBroken,
    Misconfigured,
    ProviderError,
    RateLimited,
    Transient,
)

THROTTLE_SECONDS = 65.0
"""They never say how long: their minute, and a little."""
LONGEST_WAIT = 36 * 3600.0
UNKNOWN = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)


class LeadGone(ProviderError):
    """SprintHub does not know this lead any more."""


def as_object(answer: Answer) -> dict[str, Any] | None:
    """Return the JSON object of an answer, or None if it is none."""
    try:
        value = json.loads(answer.body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def refuse_status(answer: Answer, said: str, text: str, path: str) -> None:
    """Raise what a status, or words of refusal under status 200, mean."""
    status = answer.status
    if status == HTTPStatus.TOO_MANY_REQUESTS or "too many requests" in said:
        _throttled(answer, text, path)
    if "não definido" in said or "nao definido" in said:
        raise Misconfigured(f"{text}. Check SPRINTHUB_INSTANCE", endpoint=path)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise AccessRefused(f"{text}. Check SPRINTHUB_API_TOKEN", endpoint=path)
    if "inexistente" in said or "não encontrado" in said:
        raise LeadGone(text, code="gone", endpoint=path)
    if status in UNKNOWN and path.startswith("/leads/"):
        raise LeadGone(text, code="gone", endpoint=path)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Transient(text, code=f"status_{status}", endpoint=path)
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        raise Misconfigured(f"{text}. Check SPRINTHUB_BASE_URL", endpoint=path)


def _throttled(answer: Answer, text: str, path: str) -> NoReturn:
    now = timezone.now()
    wait = retry_after(answer.headers, now=now)
    seconds = min(max(wait or THROTTLE_SECONDS, 1.0), LONGEST_WAIT)
    raise RateLimited(text, until=now + timedelta(seconds=seconds), endpoint=path)


def list_of(data: Mapping[str, Any], name: str, path: str) -> Sequence[Any]:
    """Return a list that an answer must hold, or raise ContractBroken."""
    held = data.get("data")
    rows = held.get(name) if isinstance(held, dict) else None
    if not isinstance(rows, list):
        raise ContractBroken(f"A page without {name}", endpoint=path)
    return rows
