"""Say what reading the history of a shop would take, before it is read."""

import math
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from syncs import budgets
from syncs.models import Budget, OrderCoverage
from syncs.ports import Estimate, Period
from syncs.shopify.account import about
from syncs.shopify.client import STANDARD, Shop
from syncs.shopify.orders import SIZE
from syncs.shopify.windows import check, count, search

CHUNK = timedelta(days=31)
"""A shop counts up to 25,000 orders exactly: so it is asked month by month."""
ROWS, MOST_DAYS = 500, 31
"""A slice has as many days as bring so many orders."""
FRAME = 4
"""Calls of a slice beside its own pages: the shop, two counts, and what is new."""
SMALL, EACH = 10.0, 4.0
"""Points of a small call, and of an order where no price is known yet."""
OVERHEAD = 0.2
"""Seconds between two slices."""


def estimate(shop: Shop, period: Period, *, slice_days: int | None) -> Estimate:
    """Return the calls, points and seconds; raise what stands against reading it."""
    began = time.monotonic()
    spans = _spans(shop, period)
    counts = [count(shop, search(*span)) for span in spans]
    each_took = (time.monotonic() - began) / (len(spans) + 1)
    rows = None if None in counts else sum(each or 0 for each in counts)
    days = (period.end - period.start).days + 1
    per_slice = slice_days or _fitting(rows, days)
    slices = math.ceil(days / per_slice)
    memory = budgets.remembered(shop.key, "orders")
    size = memory.get("size", SIZE)
    pages = slices * max(1, math.ceil((rows or 0) / slices / size))
    calls = slices * FRAME + pages
    points = (
        slices * FRAME * SMALL + (rows or 0) * memory.get("price", size * EACH) / size
    )
    seconds = max(calls * each_took + slices * OVERHEAD, points / _restore(shop))
    return Estimate(per_slice, slices, rows, calls, round(points), round(seconds, 1))


def _spans(shop: Shop, period: Period) -> list[tuple[datetime, datetime]]:
    """Return the months that are not read yet; raise what stands against them."""
    facts = about(shop)
    zone = ZoneInfo(shop.connection.timezone or facts.timezone)
    start = datetime.combine(period.start, datetime.min.time(), zone).astimezone(UTC)
    check(shop.connection, facts, start)
    known = OrderCoverage.objects.filter(pk=shop.connection.pk).first()
    until = known.covered_from if known else facts.now
    spans = []
    while start < until:
        spans.append((start, min(start + CHUNK, until)))
        start += CHUNK
    return spans


def _restore(shop: Shop) -> float:
    """Return the points a second that the shop said it regains."""
    row = Budget.objects.filter(
        provider=shop.key.provider, account=shop.key.account, group=shop.key.group
    ).first()
    return (row and row.restore_rate) or STANDARD.restore


def _fitting(rows: int | None, days: int) -> int:
    """Return the days of which a slice brings about 500 orders."""
    if rows is None:
        return 1
    return max(1, min(MOST_DAYS, days, math.floor(ROWS * days / max(rows, 1))))
