"""How the syncs of segments go: success, time, leads and errors, from their log rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
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
EACH = """
SELECT control.segment_id, control.status, control.members,
    control.consecutive_errors,
    extract(epoch FROM clock_timestamp() - control.last_success)
FROM sync_segments_control AS control ORDER BY control.id LIMIT 1000
"""


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
    for place, (name, text) in enumerate(
        (
            ("members", "Leads in a segment"),
            ("consecutive_errors", "Errors of a segment in a row"),
            ("last_success_age_seconds", "Since when a segment has not been synced"),
        ),
        start=2,
    ):
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
