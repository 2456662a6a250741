"""Read a request that wants a job: its members are checked in one fixed order."""

import json
from datetime import datetime
from http import HTTPStatus
from typing import Any, NoReturn

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.http.request import RawPostDataException, UnreadablePostError
from django.utils import timezone
from ninja.errors import HttpError

from queues.enqueue import enqueue
from queues.errors import (
    InvalidJobData,
    InvalidJobType,
    InvalidOption,
    InvalidPriority,
    InvalidRunAt,
)
from queues.handlers import NAME, registry
from queues.models import Job
from queues.models.job import DEFAULT_PRIORITY
from queues.unique import CONFLICTS

Body = dict[str, Any]


def read_object(request: HttpRequest) -> Body:
    """Return the JSON object of the body; any other JSON value has no members."""
    value = _parse(_raw(request))
    return value if isinstance(value, dict) else {}


def demand_object(request: HttpRequest) -> Body:
    """Return the JSON object of the body, and refuse any other JSON value."""
    value = _parse(_raw(request))
    if not isinstance(value, dict):
        raise HttpError(HTTPStatus.BAD_REQUEST, "Expected an object")
    return value


def read_optional(request: HttpRequest) -> Body:
    """Return the JSON object of a body that may be left out: it is then empty."""
    return demand_object(request) if _raw(request) else {}


def _raw(request: HttpRequest) -> bytes:
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        raise HttpError(HTTPStatus.LENGTH_REQUIRED, "Length required")
    try:
        return request.body
    except (RawPostDataException, UnreadablePostError):
        raise HttpError(HTTPStatus.BAD_REQUEST, "Malformed JSON") from None


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise HttpError(HTTPStatus.BAD_REQUEST, "Malformed JSON") from None


def enqueue_from(body: Body, *, data: str, owner: User | None = None) -> Job:
    """Enqueue the job that the body describes, its data being the member named `data`.

    Raises what `enqueue` raises, for the first bad member in the order: type, data,
    unknown type, priority, scheduledFor, uniqueKey, onConflict, and last what the type demands.
    """
    type_, given = body.get("type"), body.get(data)
    if not isinstance(type_, str) or not NAME.fullmatch(type_):
        raise InvalidJobType
    if not isinstance(given, dict):
        raise InvalidJobData
    registry.get(type_)
    return enqueue(
        type_,
        given,
        priority=_priority(body.get("priority")),
        run_at=_moment(body.get("scheduledFor")),
        unique_key=_key(body.get("uniqueKey")),
        on_conflict=_conflict(body.get("onConflict")),
        owner=owner,
        source="api",
    )


def _priority(value: object) -> int:
    if value is None:
        return DEFAULT_PRIORITY
    # 5.0, "5" and true are equal to or read as a priority, and are none.
    if type(value) is not int:
        raise InvalidPriority
    return value


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or timezone.is_naive(moment):
        raise InvalidRunAt("scheduledFor must be an ISO 8601 time with a time zone")
    return moment


def _key(value: object) -> str | None:
    if value is None:
        return None
    # A lone surrogate is valid JSON that no database can hold.
    if not isinstance(value, str) or value != value.encode(errors="replace").decode():
        raise InvalidOption("uniqueKey must be a text")
    return value


def _conflict(value: object) -> str:
    if value is None:
        return "keep"
    if value not in CONFLICTS:
        raise InvalidOption("onConflict must be keep, replace or coalesce")
    return str(value)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
