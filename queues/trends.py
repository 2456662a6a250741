"""What ended, and how long it waited and ran: by step of time and by type.

Read from the roll-ups alone, so it costs the same however many jobs there were. The
newest minute is missing, and beyond two days back a step is an hour at the least.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from queues.ask import ask
from queues.histogram import percentile, sums

FIGURES = f"""
sum(count)::int8,
coalesce(sum(count) FILTER (WHERE outcome = 'completed'), 0)::int8,
coalesce(sum(count) FILTER (WHERE outcome IN ('failed', 'buried', 'lost')), 0)::int8,
max(wait_max), max(run_max), {sums("wait_histogram")}, {sums("run_histogram")}
"""
# Both groupings from one walk: the histograms are what costs.
BOTH = f"""
SELECT date_bin(%(step)s, minute, '2000-01-01 00:00Z') AS at, type, {FIGURES}
FROM job_minutes
WHERE minute >= %(since)s AND minute < %(until)s
GROUP BY GROUPING SETS ((at), (type)) ORDER BY at, type
"""  # noqa: S608 - built of constants
BY_STEP = f"""
SELECT date_bin(%(step)s, minute, '2000-01-01 00:00Z') AS at, NULL, {FIGURES}
FROM job_minutes
WHERE minute >= %(since)s AND minute < %(until)s AND type = %(type)s
GROUP BY at ORDER BY at
"""  # noqa: S608
# Before the watermark no figure changes any more; behind it lie a minute or two.
VERSION = """
WITH mark AS (SELECT coalesce((SELECT done_until FROM job_rollup),
                              date_trunc('day', now()) - interval '1 day') AS done)
SELECT max(done), max(minute), coalesce(sum(count), 0)::int8
FROM mark LEFT JOIN job_minutes ON minute >= done
"""


@dataclass(frozen=True, slots=True)
class Span:
    """What ended within one step of time, or of one type; times are seconds.

    A percentile lies within a factor of two of the exact one, and is None if no
    wait or run is known.
    """

    at: datetime | None
    type: str | None
    ended: int
    completed: int
    failed: int
    wait_max: float
    run_max: float
    wait_p50: float | None
    wait_p95: float | None
    run_p50: float | None
    run_p95: float | None


def version() -> tuple[Any, ...]:
    """Return what differs as soon as any figure does: cheap, for whoever keeps some."""
    return ask(VERSION)[0]


def by_step_and_type(
    *, since: datetime, until: datetime, step: timedelta
) -> tuple[list[Span], list[Span]]:
    """Return the steps of a window in which something ended, oldest first, and its types."""
    window = {"since": since, "until": until, "step": step}
    spans = [_span(row) for row in ask(BOTH, **window)]
    return [span for span in spans if span.at], [span for span in spans if span.type]


def by_step(
    type_: str, *, since: datetime, until: datetime, step: timedelta
) -> list[Span]:
    """Return the steps of a window in which something of one type ended."""
    window = {"since": since, "until": until, "step": step, "type": type_}
    return [_span(row) for row in ask(BY_STEP, **window)]


def _span(row: Sequence[Any]) -> Span:
    at, type_, ended, completed, failed, wait_max, run_max, waits, runs = row
    return Span(
        at, type_, ended, completed, failed, wait_max, run_max,
        wait_p50=percentile(waits, 0.5, wait_max),
        wait_p95=percentile(waits, 0.95, wait_max),
        run_p50=percentile(runs, 0.5, run_max),
        run_p95=percentile(runs, 0.95, run_max),
    )  # fmt: skip
