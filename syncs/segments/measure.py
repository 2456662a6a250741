"""How the syncs of segments go: success, time, leads and errors, from their log rows."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from prometheus_client.core import GaugeMetricFamily

# A partial sync is half a success; what was skipped or cancelled is no sync.
FIGURES = """
count(*) FILTER (WHERE status IN ('success', 'partial', 'error')) AS syncs,
count(*) FILTER (WHERE status = 'success')
    + 0.5 * count(*) FILTER (WHERE status = 'partial') AS good,
count(*) FILTER (WHERE status = 'error') AS errors,
coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY active_seconds)
    FILTER (WHERE status IN ('success', 'partial', 'error')), 0) AS seconds,
coalesce(max(active_seconds), 0) AS longest,
coalesce(sum((stats ->> 'processed')::bigint)
    FILTER (WHERE jsonb_typeof(stats -> 'processed') = 'number'), 0) AS leads
"""
DAYS = f"""
SELECT date_trunc('day', execution_time, %(zone)s) AT TIME ZONE %(zone)s AS day,
    {FIGURES}
FROM sync_segments_logs
WHERE execution_time >= clock_timestamp() - make_interval(days => %(days)s)
    AND (%(control)s::bigint IS NULL OR control_id = %(control)s)
GROUP BY day ORDER BY day
"""  # noqa: S608 - built of constants
TOTAL = f"""
SELECT {FIGURES} FROM sync_segments_logs
WHERE execution_time >= clock_timestamp() - make_interval(days => %(days)s)
    AND (%(control)s::bigint IS NULL OR control_id = %(control)s)
"""  # noqa: S608
EACH = f"""
SELECT control.segment_id || coalesce('@' || link.external_account, ''),
    control.members, control.consecutive_errors,
    extract(epoch FROM clock_timestamp() - control.last_success),
    coalesce(week.syncs, 0), coalesce(week.errors, 0), coalesce(week.leads, 0),
    week.good / nullif(week.syncs, 0), week.seconds, week.longest
FROM sync_segments_control AS control
LEFT JOIN store_connections AS link ON link.id = control.connection_id
LEFT JOIN (
    SELECT control_id, {FIGURES} FROM sync_segments_logs
    WHERE execution_time >= clock_timestamp() - interval '7 days' GROUP BY control_id
) AS week ON week.control_id = control.id
ORDER BY control.id LIMIT 1000
"""  # noqa: S608
OF_EACH = (
    ("members", "Leads in a segment"),
    ("consecutive_errors", "Errors of a segment in a row"),
    ("last_success_age_seconds", "Since when a segment has not been synced"),
    ("syncs_last_week", "Syncs of a segment that ended within a week"),
    ("errors_last_week", "Those of them that failed"),
    ("leads_last_week", "Leads that they went through"),
    ("success_ratio_last_week", "The share of them that went well"),
    ("median_seconds_last_week", "Half of them took less, without waits"),
    ("longest_seconds_last_week", "The longest of them, without waits"),
)
"""What a Prometheus server is told of each segment, in the order of EACH."""
# The hour of the next day in which most syncs are due, and what one takes of a place.
BUSIEST = """
SELECT date_trunc('hour', next_execution), count(*),
    (SELECT avg(active_seconds)::float8 FROM (
        SELECT active_seconds FROM sync_segments_logs
        WHERE status IN ('success', 'partial') ORDER BY execution_time DESC LIMIT 500
     ) AS lately),
    (SELECT running FROM limits WHERE name = 'sync-segment-leads')
FROM sync_segments_control
WHERE status = 'active' AND next_execution < clock_timestamp() + interval '1 day'
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1
"""
HOUR = 3600
USUAL = 20.0
"""Seconds of a sync where nothing is known yet."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a day, or a longer time, came to; seconds are those without waits."""

    syncs: int
    good: float
    errors: int
    seconds: float
    longest: float
    leads: int
    day: datetime | None = None

    @property
    def rate(self) -> float | None:
        """The share of syncs that went well, in percent; None without any."""
        return 100.0 * self.good / self.syncs if self.syncs else None


@dataclass(frozen=True, slots=True)
class Crowd:
    """The syncs that are due within one hour, what each takes, and the places."""

    at: datetime
    syncs: int
    seconds: float
    places: int | None

    @property
    def span(self) -> timedelta | None:
        """How long it takes until all are done; None: never, with no place at all."""
        if self.places == 0:
            return None
        lanes = min(self.places or self.syncs, self.syncs)
        return timedelta(seconds=math.ceil(self.syncs / lanes) * self.seconds)

    @property
    def needed(self) -> int:
        """The places that would have them done within an hour."""
        return max(math.ceil(self.syncs * self.seconds / HOUR), 1)

    @property
    def is_too_many(self) -> bool:
        """Tell whether they take longer than an hour."""
        return self.places is not None and self.places < self.needed


def busiest() -> Crowd | None:
    """Return the hour of the next day in which most is due; None: nothing is."""
    for at, syncs, seconds, places in _rows(BUSIEST, {}):
        return Crowd(at, syncs, max(seconds or USUAL, 0.1), places)
    return None


def by_day(
    control_id: int | None = None, *, days: int = 30, zone: str = "UTC"
) -> list[Figures]:
    """Return the figures of each day in which something was synced, oldest first."""
    rows = _rows(DAYS, {"control": control_id, "days": days, "zone": zone})
    return [_figures(row[1:], day=row[0]) for row in rows]


def lately(control_id: int | None = None, *, days: int = 1) -> Figures:
    """Return the figures of the last days, of one segment or of all."""
    return _figures(_rows(TOTAL, {"control": control_id, "days": days})[0])


def gauges() -> Iterator[GaugeMetricFamily]:
    """Yield what a Prometheus server is told of segments."""
    day = lately()
    for name, text, value in (
        ("syncs_last_day", "Syncs of segments that ended within a day", day.syncs),
        ("errors_last_day", "Those of them that failed", day.errors),
        ("leads_last_day", "Leads that they went through", day.leads),
        ("success_ratio", "The share that went well", (day.rate or 0) / 100),
        ("longest_seconds", "The longest of them, without waits", day.longest),
    ):
        family = GaugeMetricFamily(f"ritmo_segment_{name}", text)
        family.add_metric([], float(value))
        yield family
    rows = _rows(EACH, {})
    for place, (name, text) in enumerate(OF_EACH, start=1):
        family = GaugeMetricFamily(f"ritmo_segment_{name}", text, labels=["segment"])
        for row in rows:
            if row[place] is not None:
                family.add_metric([str(row[0])], float(row[place]))
        yield family


def _figures(row: Any, day: datetime | None = None) -> Figures:
    syncs, good, errors, seconds, longest, leads = row
    return Figures(
        int(syncs), float(good), int(errors), float(seconds), float(longest),
        int(leads), day,
    )  # fmt: skip


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall())
