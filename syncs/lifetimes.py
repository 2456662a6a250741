"""How long numbers are current, and how long they are shown at all; pure."""

import random
from dataclasses import dataclass
from datetime import date, timedelta

from syncs.states import Source

JITTER = 0.1
"""Entries that were written together are not all renewed together."""

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MONTHS_13 = 396 * DAY


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Current until `soft`, shown until `hard`, from the moment of the sync."""

    soft: timedelta
    hard: timedelta


OPEN: dict[str, Lifetime] = {
    Source.SHOPIFY: Lifetime(15 * MINUTE, DAY),
    # Eight calls renew four periods, 225 a day are allowed: 52 minutes is the least.
    Source.KLAVIYO: Lifetime(HOUR, 2 * DAY),
    Source.COMBINED: Lifetime(HOUR, 2 * DAY),
}
SETTLED = Lifetime(7 * DAY, MONTHS_13)
NEGATIVE = Lifetime(5 * MINUTE, 15 * MINUTE)

SETTLES: dict[str, timedelta] = {
    Source.SHOPIFY: 14 * DAY,
    Source.KLAVIYO: 30 * DAY,
    Source.COMBINED: 30 * DAY,
}
"""How long after its end a period may still change: refunds, and late attribution."""


def is_settled(source: str, end: date, *, today: date) -> bool:
    """Tell whether the numbers of a period do not change any more."""
    return end + SETTLES[source] < today


def lifetime(source: str, *, settled: bool, negative: bool) -> Lifetime:
    """Return how long an entry written now lives, a little more or less."""
    lasting = SETTLED if settled else OPEN[source]
    found = NEGATIVE if negative else lasting
    share = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
    return Lifetime(min(found.soft * share, found.hard), found.hard)
