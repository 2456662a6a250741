"""Ask for what campaigns and flows brought: one grouped call for all of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from syncs import clock
from syncs.errors import (
    ContractBroken,
    CursorInvalid,
    Misconfigured,
    PaginationLoop,
)
from syncs.klaviyo.account import LEGACY, conversion_metric
from syncs.klaviyo.client import Klaviyo
from syncs.ports import Page, Period, Refused

STATISTICS = {
    "recipients": "recipients",
    "delivered": "delivered",
    "opens_unique": "opens",
    "clicks_unique": "clicks",
    "conversions": "conversions",
    "conversion_uniques": "converted",
}
VALUE = "conversion_value"
LONGEST = timedelta(days=365)
CENT = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class ResultFact:
    """What one message brought."""

    piece: str
    message: str
    channel: str
    revenue: Decimal
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class ReportPage(Page):
    """A page of a report: of which metric, and when the reading of it began."""

    metric: str = ""
    began: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def values(
    klaviyo: Klaviyo, kind: str, period: Period | None, cursor: str | None
) -> ReportPage:
    """Return a page of the report of campaigns or of flows.

    Times are wall times of the account: the provider ignores any offset.
    """
    period = _checked(period)
    metric, began, after = _place(klaviyo, cursor)
    reply = klaviyo.post(
        f"{kind}-values-reports",
        f"{kind}-values-report",
        {
            "statistics": [*STATISTICS, VALUE],
            "timeframe": {
                "start": f"{period.start}T00:00:00", "end": f"{period.end}T23:59:59",
            },
            "conversion_metric_id": metric,
            "group_by": [f"{kind}_id", f"{kind}_message_id", "send_channel"],
        },
        cursor=after,
    )  # fmt: skip
    rows, refused = [], []
    for each in _results(reply.value, f"{kind}-values-reports"):
        try:
            rows.append(_fact(each, kind))
        except (
            KeyError,
            TypeError,
            ValueError,
            ArithmeticError,
            AttributeError,
        ) as fault:
            reason = f"{type(fault).__name__}: {fault}"[:200]
            refused.append(Refused("", reason))
    following = reply.cursor("page_cursor")
    if following is not None and following == after:
        raise PaginationLoop(f"{kind}-values-reports: the pages go in circles")
    return ReportPage(
        rows=rows,
        next_cursor=json.dumps([metric, began.isoformat(), following])
        if following
        else None,
        refused=refused,
        as_of=reply.now,
        metric=metric,
        began=began,
    )


def revenue(klaviyo: Klaviyo, period: Period | None) -> ReportPage:
    """Return what was sold by day, and in which currencies, as the account counts it."""
    period = _checked(period)
    metric = conversion_metric(klaviyo)
    zone = klaviyo.connection.timezone or "UTC"
    reply = klaviyo.post(
        "metric-aggregates",
        "metric-aggregate",
        {
            "metric_id": metric,
            "measurements": ["count", "sum_value"],
            "interval": "day",
            "timezone": LEGACY.get(zone, zone),
            "by": ["$value_currency"],
            "page_size": 500,
            "filter": [
                f"greater-or-equal(datetime,{period.start}T00:00:00)",
                f"less-than(datetime,{period.end + timedelta(days=1)}T00:00:00)",
            ],
        },
    )
    try:
        data = _by_day(reply.value["data"]["attributes"])
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError):
        raise ContractBroken(
            "metric-aggregates answered in another shape", endpoint="metric-aggregates"
        ) from None
    return ReportPage(
        rows=[], next_cursor=None, as_of=reply.now, metric=metric, began=clock.now(), data=data
    )  # fmt: skip


def _by_day(said: Mapping[str, Any]) -> dict[str, Any]:
    dates = [datetime.fromisoformat(each).date().isoformat() for each in said["dates"]]
    found: dict[str, list[dict[str, Any]]] = {}
    for each in said["data"]:
        counts, sums = each["measurements"]["count"], each["measurements"]["sum_value"]
        if not len(counts) == len(sums) == len(dates):
            raise ValueError("a series of another length")
        currency = str(each["dimensions"][0]) if each["dimensions"] else ""
        found[currency] = [
            {
                "date": day,
                "orders": int(count),
                "value": str(Decimal(sum_).quantize(CENT)),
            }
            for day, count, sum_ in zip(dates, counts, sums, strict=True)
        ]
    return {"by_currency": found}


def _checked(period: Period | None) -> Period:
    if period is None:
        raise Misconfigured("A report needs a period", code="no_period")
    if period.end - period.start > LONGEST:
        raise Misconfigured("A report may span one year at most", code="too_long")
    return period


def _place(klaviyo: Klaviyo, cursor: str | None) -> tuple[str, datetime, str | None]:
    if cursor is None:
        return conversion_metric(klaviyo), clock.now(), None
    try:
        metric, began, after = json.loads(cursor)
        return str(metric), datetime.fromisoformat(began), str(after)
    except (ValueError, TypeError):
        raise CursorInvalid("The place to go on from cannot be read") from None


def _results(value: Mapping[str, Any], endpoint: str) -> list[Any]:
    data = value["data"]
    attributes = data.get("attributes") if isinstance(data, dict) else None
    results = attributes.get("results") if isinstance(attributes, dict) else None
    if not isinstance(results, list):
        raise ContractBroken(f"{endpoint} answered without results", endpoint=endpoint)
    return results


def _fact(row: Mapping[str, Any], kind: str) -> ResultFact:
    groups, numbers = row["groupings"], row["statistics"]
    return ResultFact(
        piece=str(groups[f"{kind}_id"])[:64],
        message=str(groups.get(f"{kind}_message_id") or "")[:64],
        channel=str(groups.get("send_channel") or "")[:30],
        revenue=Decimal(numbers[VALUE]).quantize(CENT),
        counts={ours: int(numbers[theirs]) for theirs, ours in STATISTICS.items()},
    )
