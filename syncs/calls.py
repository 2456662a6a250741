"""Call a provider: one kept line a process, JSON read with care, nothing secret said."""

import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from queues import outbound
from queues.backoff import retry_after
from queues.errors import Unreachable
from queues.outbound import Call, Line
from syncs import clock
from syncs.errors import (
    AccessRefused,
    AccountLocked,
    ContractBroken,
    Misconfigured,
    ProviderError,
    Transient,
)

logger = logging.getLogger(__name__)

SECURITY_REJECTION = 430
REFUSALS: dict[int, type[ProviderError]] = {
    HTTPStatus.UNAUTHORIZED: AccessRefused,
    HTTPStatus.FORBIDDEN: AccessRefused,
    HTTPStatus.PAYMENT_REQUIRED: AccountLocked,
    HTTPStatus.LOCKED: AccountLocked,
    HTTPStatus.NOT_FOUND: Misconfigured,
    HTTPStatus.GONE: Misconfigured,
    HTTPStatus.METHOD_NOT_ALLOWED: Misconfigured,
    HTTPStatus.NOT_ACCEPTABLE: Misconfigured,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: Misconfigured,
}
"""What a refused call means; any other refusal is a broken contract."""

_local = threading.local()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider said, read."""

    status: int
    headers: dict[str, str]
    value: Any
    now: datetime
    """The provider's clock, half-way through the call."""


def ask(call: Call, *, endpoint: str) -> Answer:
    """Make one call and read its JSON; raise Transient where nothing usable came.

    The status is the caller's to judge; the body of a refusal may be anything.
    """
    said, now = raw(call, endpoint=endpoint)
    value: Any = None
    try:
        value = read(said.content)
    except ValueError as error:
        if said.status < HTTPStatus.BAD_REQUEST:
            what = "nothing" if not said.content.strip() else _shown(said, error)
            raise Transient(
                f"{endpoint} answered {said.status} with {what}",
                code="unreadable",
                endpoint=endpoint,
            ) from None
    return Answer(said.status, dict(said.headers), value, now)


def raw(call: Call, *, endpoint: str) -> tuple[outbound.Answer, datetime]:
    """Make one call; return what came, byte for byte, and the provider's clock."""
    began = time.monotonic()
    try:
        with _line() as line:
            said = line.call(call)
    except Unreachable as error:
        logger.info("provider did not answer", extra={"endpoint": endpoint})
        raise Transient(
            f"{endpoint}: {error}", code="unreachable", endpoint=endpoint
        ) from None
    took = time.monotonic() - began
    logger.info(
        "provider answered",
        extra={
            "endpoint": endpoint,
            "status": said.status,
            "ms": round(took * 1000),
            "bytes": len(said.content),
            "request": said.headers.get("x-request-id", ""),
        },
    )
    return said, _clock(said.headers, took)


def read(body: bytes) -> Any:
    """Return a JSON document, its fractions as Decimal; raise ValueError."""
    return json.loads(body, parse_float=Decimal, parse_constant=_no_number)


def refuse(answer: Answer, *, endpoint: str, said: str) -> ProviderError:
    """Return the error that a status other than 2xx is, rate limits aside."""
    text = f"{endpoint} answered {answer.status}: {said}".rstrip(": ")[:300]
    status = answer.status
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Transient(text, endpoint=endpoint)
    if status == SECURITY_REJECTION:
        return Transient(text, code="security_rejection", endpoint=endpoint)
    kind = REFUSALS.get(status, ContractBroken)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        kind = Misconfigured
    return kind(text, endpoint=endpoint)


def pause(answer: Answer) -> float | None:
    """Return the seconds that Retry-After asks for, by the provider's own clock."""
    return retry_after(answer.headers, now=answer.now)


def hang_up() -> None:
    """Close the line of this thread, if there is one."""
    line = getattr(_local, "line", None)
    _local.line = None
    if line is not None and _local.pid == os.getpid():
        line.close()


@contextmanager
def _line() -> Iterator[Line]:
    """Yield the line of this thread; one that was interrupted is not used again."""
    if getattr(_local, "line", None) is None or _local.pid != os.getpid():
        _local.line, _local.pid = Line(), os.getpid()
    try:
        yield _local.line
    except Unreachable:
        raise
    except BaseException:
        hang_up()
        raise


def _clock(headers: Any, took: float) -> datetime:
    try:
        told = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return clock.now()
    told = told if told.tzinfo else told.replace(tzinfo=UTC)
    return told - timedelta(seconds=took / 2)


def _shown(said: outbound.Answer, error: ValueError) -> str:
    kind = said.headers.get("content-type", "").partition(";")[0][:50]
    return f"{kind or 'no type'} that is not JSON ({type(error).__name__})"


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number")
