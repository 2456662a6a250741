"""What the pages of segments show of their figures: of one, and of all together."""

import json
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from queues.admin import show
from syncs.clock import now
from syncs.models import SegmentControl
from syncs.segments import measure
from syncs.segments.account import ZONE

DAYS = 30


def zone_of(control: SegmentControl) -> str:
    """Return its zone; one that SQL wrote and nobody knows is shown in UTC."""
    try:
        return ZoneInfo(control.time_zone).key
    except (KeyError, OSError, ValueError):
        return "UTC"


def figures() -> dict[str, Any]:
    """Return what the list tells of all segments together."""
    day, crowd = measure.lately(), measure.busiest()
    return {
        "day": day,
        "took": show.seconds(day.seconds if day.syncs else None),
        "longest": show.seconds(day.longest if day.syncs else None),
        "crowd": crowd,
        "span": crowd and show.span(crowd.span),
        "series": series(measure.by_day(days=DAYS, zone=ZONE), ZONE),
    }


def series(days: list[measure.Figures], zone: str) -> str:
    """Return what the charts draw, as JSON: a list a line, a value a day."""
    today = now().astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0)
    known = {each.day.date(): each for each in days if each.day}
    dates = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    found = [known.get(each.date()) for each in dates]
    lines: dict[str, list[Any]] = {
        "at": [int(each.timestamp()) for each in dates],
        "completed": [each.syncs - each.errors if each else 0 for each in found],
        "failed": [each.errors if each else 0 for each in found],
        "seconds": [each.seconds if each else None for each in found],
        "longest": [each.longest if each else None for each in found],
        "leads": [each.leads if each else 0 for each in found],
    }
    return json.dumps(lines, separators=(",", ":"))
