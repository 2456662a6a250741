"""How the syncs of stores stand, for a Prometheus server."""

from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client.core import GaugeMetricFamily

from queues.ask import ask
from syncs.forecast import forecast, oldest_wait
from syncs.states import ConnectionStatus, Outcome, RunStatus, Waiting

# What waits from the partial index of open runs; what ended from that of the last day.
OPEN = """
SELECT status, coalesce(waiting_for, ''), count(*)
FROM sync_queue WHERE status IN ('queued', 'processing') GROUP BY 1, 2
"""
ENDS = """
SELECT outcome, coalesce(error_kind, ''), count(*)
FROM sync_queue WHERE completed_at > clock_timestamp() - interval '24 hours'
GROUP BY 1, 2
"""
SPANS = """
SELECT percentile_cont(ARRAY[0.5, 0.95, 1]) WITHIN GROUP (
    ORDER BY extract(epoch FROM completed_at - started_at))
FROM sync_queue WHERE completed_at > clock_timestamp() - interval '24 hours'
  AND outcome <> 'cancelled'
"""
LINKS = """
SELECT provider, status, count(*),
       max(extract(epoch FROM clock_timestamp() - coalesce(last_success_at, created_at))
           / 60 / freshness_minutes) FILTER (WHERE freshness_minutes > 0)
FROM store_connections GROUP BY provider, status
"""
ASIDE = "SELECT count(*) FROM sync_quarantine WHERE resolved_at IS NULL"
BLOCKED = """
SELECT provider, count(*) FROM provider_budgets
WHERE blocked_until > clock_timestamp() GROUP BY provider
"""
# Capped: a statement at every scrape walks no more entries than these.
ENTRIES = """
SELECT CASE WHEN hard_until <= clock_timestamp() THEN 'expired'
            WHEN fresh_until > clock_timestamp() THEN 'fresh' ELSE 'stale' END,
       count(*)
FROM (SELECT fresh_until, hard_until FROM store_sync_cache
      ORDER BY synced_at DESC LIMIT 20000) AS newest GROUP BY 1
"""
QUANTILES = ("0.5", "0.95", "1")


def gauges() -> Iterator[GaugeMetricFamily]:
    """Yield what a Prometheus server is told of stores."""
    yield from _queue()
    yield from _ends()
    yield from _links()
    yield _gauge(
        "entries", "The newest cached numbers, by what they are worth", ("state",),
        [((state,), count) for state, count in ask(ENTRIES)],
        known=[("fresh",), ("stale",), ("expired",)],
    )  # fmt: skip
    ((aside,),) = ask(ASIDE)
    yield _gauge("kept_aside", "Rows that nobody has dealt with", (), [((), aside)])


def _queue() -> Iterator[GaugeMetricFamily]:
    rows = ask(OPEN)
    by_status: dict[str, int] = dict.fromkeys(
        (RunStatus.QUEUED, RunStatus.PROCESSING), 0
    )
    for status, _why, count in rows:
        by_status[status] += count
    yield _gauge(
        "runs", "Syncs that wait or run", ("status",),
        [((str(status),), count) for status, count in by_status.items()],
    )  # fmt: skip
    yield _gauge(
        "waiting", "Syncs that have begun and wait, by what for", ("reason",),
        [((why,), count) for _status, why, count in rows if why],
        known=[(each,) for each in Waiting.values],
    )  # fmt: skip
    age = oldest_wait()
    yield _gauge("oldest_seconds", "For how long a due sync waits", (), [((), age)])
    found = forecast(ahead=0)
    span = found.span.total_seconds()
    text = "How long it takes until all that waits is done"
    yield _gauge("forecast_seconds", text, (), [((), span)])
    if found.slots is not None:
        yield _gauge("places", "Syncs that may run at once", (), [((), found.slots)])


def _ends() -> Iterator[GaugeMetricFamily]:
    rows = ask(ENDS)
    ends: dict[str, int] = dict.fromkeys(Outcome.values, 0)
    kinds: dict[str, int] = {}
    for outcome, kind, count in rows:
        ends[outcome] += count
        if kind:
            kinds[kind] = kinds.get(kind, 0) + count
    yield _gauge(
        "ends_last_day", "Syncs that ended within a day", ("outcome",),
        [((outcome,), count) for outcome, count in ends.items()],
    )  # fmt: skip
    yield _gauge(
        "errors_last_day", "What stood in the way of those", ("kind",),
        [((kind,), count) for kind, count in kinds.items()],
    )  # fmt: skip
    ((spans,),) = ask(SPANS)
    yield _gauge(
        "seconds", "Seconds from start to end, of the last day", ("quantile",),
        [((name,), value) for name, value in zip(QUANTILES, spans or (), strict=False)],
    )  # fmt: skip


def _links() -> Iterator[GaugeMetricFamily]:
    rows = ask(LINKS)
    yield _gauge(
        "connections", "Connections of stores", ("provider", "status"),
        [((name, status), count) for name, status, count, _share in rows],
        known=[
            (name, status) for name in {row[0] for row in rows}
            for status in ConnectionStatus.values
        ],
    )  # fmt: skip
    worst: dict[str, float] = {}
    for name, _status, _count, share in rows:
        if share is not None:
            worst[name] = max(float(share), worst.get(name, 0.0))
    text = "Age of the oldest numbers, in times of what was promised"
    values = [((name,), share) for name, share in worst.items()]
    yield _gauge("freshness_ratio", text, ("provider",), values)
    yield _gauge(
        "budgets_blocked", "Limits that let no call through now", ("provider",),
        [((name,), count) for name, count in ask(BLOCKED)],
    )  # fmt: skip


def _gauge(
    name: str,
    text: str,
    labels: tuple[str, ...],
    values: Iterable[tuple[tuple[str, ...], Any]],
    *,
    known: Iterable[tuple[str, ...]] = (),
) -> GaugeMetricFamily:
    """Return a gauge; what is known to exist is 0 where it has no value."""
    family = GaugeMetricFamily(f"ritmo_sync_{name}", text, labels=labels)
    for key, value in {**dict.fromkeys(known, 0), **dict(values)}.items():
        family.add_metric(key, float(value))
    return family
