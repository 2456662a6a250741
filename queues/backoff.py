"""How long to wait after a failure; pure."""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

BASE = 2.0
CAP = 3600.0
JITTER = 0.25
LONGEST = 86_400.0
"""Seconds that another side may ask us to wait; a day, whatever it says."""

Backoff = Callable[[int], float]
"""The seconds to wait after so many failures, from 1."""


def exponential(
    base: float = BASE, cap: float = CAP, jitter: float = JITTER
) -> Backoff:
    """Return a backoff of base, twice, four times … at most cap seconds.

    Each wait is longer or shorter by up to that share of it, so that jobs which
    failed together do not come back together.
    """
    if not (0 < base <= cap and 0 <= jitter < 1):
        raise ValueError("exponential: 0 < base <= cap, and 0 <= jitter < 1")

    def wait(failures: int) -> float:
        delay = min(cap, base * 2.0 ** min(failures - 1, 60))
        return delay * random.uniform(1 - jitter, 1 + jitter)  # noqa: S311 - no secret

    return wait


def fixed(delays: Sequence[float | timedelta]) -> Backoff:
    """Return a backoff of exactly those waits, the last one from then on."""
    waits = [
        each.total_seconds() if isinstance(each, timedelta) else float(each)
        for each in delays
    ]
    if not waits or not all(0 <= each < math.inf for each in waits):
        raise ValueError("fixed: name one wait at least, none of them negative")
    return lambda failures: waits[min(failures, len(waits)) - 1]


def asked(error: BaseException, *, now: datetime) -> float | None:
    """Return the seconds that an error asks for, at most a day; None if it does not.

    It may carry `retry_after` (seconds, a timedelta or a moment), or, as errors of
    HTTP clients do, headers of its own or of its response.
    """
    match getattr(error, "retry_after", None):
        case timedelta() as span:
            wait: float | None = span.total_seconds()
        case datetime() as moment:
            wait = _until(moment, now)
        case bool():
            wait = None
        case int() | float() as number:
            wait = float(number)
        case str() as text:
            wait = retry_after({"retry-after": text}, now=now)
        case _:
            wait = retry_after(_headers_of(error), now=now)
    if wait is None or math.isnan(wait):
        return None
    return min(max(wait, 0.0), LONGEST)


def retry_after(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for; None if there is none."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    try:
        return _until(parsedate_to_datetime(value), now)
    except ValueError:
        return None


def _headers_of(error: BaseException) -> dict[str, str]:
    holder = getattr(error, "response", None)
    headers: Any = getattr(error if holder is None else holder, "headers", None)
    if not hasattr(headers, "items"):
        return {}
    return {str(name).lower(): str(value) for name, value in headers.items()}


def _until(moment: datetime, now: datetime) -> float:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
