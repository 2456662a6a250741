"""What people are told of about segments: failures, delays, access, and what is held."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from queues.alerts.measures import Reading, measure
from queues.alerts.rules import starter_rule
from queues.ask import ask
from syncs.models import SegmentControl

GROUP = "SprintHub"
"""What many segments suffer from together: then it is one incident."""
DAY = 86_400
TEN_MINUTES, QUARTER, TWO_HOURS = 600, 900, 7200
ENDS = "status IN ('success', 'partial', 'error')"
"""A sync that was skipped or cancelled tells nothing."""

# A partial sync is half a success.
RATE = f"""
SELECT (count(*) FILTER (WHERE status = 'success')
        + 0.5 * count(*) FILTER (WHERE status = 'partial')) * 100.0 / count(*), count(*)
FROM sync_segments_logs WHERE execution_time >= %s - %s AND {ENDS}
HAVING count(*) > 0
"""  # noqa: S608 - words of ours
RATES = f"""
SELECT (count(*) FILTER (WHERE status = 'success')
        + 0.5 * count(*) FILTER (WHERE status = 'partial')) * 100.0 / count(*),
       count(*), control_id
FROM sync_segments_logs
WHERE execution_time >= %s - %s AND {ENDS} AND control_id IS NOT NULL
GROUP BY control_id
"""  # noqa: S608
# Without waits: those that ended, and what the one that runs has used so far.
LONGEST = """
SELECT max(seconds)::float8, control_id FROM (
    SELECT control_id, active_seconds AS seconds FROM sync_segments_logs
    WHERE execution_time >= %s - %s AND control_id IS NOT NULL
    UNION ALL
    SELECT control_id, coalesce((sync.stats ->> 'active')::float8, 0)
        + extract(epoch FROM clock_timestamp() - attempt.started_at)
    FROM sync_segment_passes AS sync JOIN job_attempts AS attempt USING (job_id)
    WHERE attempt.finished_at IS NULL AND attempt.started_at IS NOT NULL
) AS every GROUP BY control_id
"""
# With waits, from when on it could have begun.
OLDEST = """
SELECT extract(epoch FROM clock_timestamp() - sync.created_at)::float8
       - control.jitter_seconds, control.id
FROM sync_segment_passes AS sync
JOIN sync_segments_control AS control ON control.id = control_id
"""
LATE = """
SELECT coalesce(extract(epoch FROM clock_timestamp() - min(next_execution)), 0)::float8
FROM sync_segments_control WHERE status = 'active'
"""
# How many of its due times failed since one went well; a refused access has its own rule.
MISSED = """
SELECT count(*), log.control_id FROM sync_segments_logs AS log
JOIN sync_segments_control AS control ON control.id = control_id
LEFT JOIN LATERAL (
    SELECT max(id) AS id FROM sync_segments_logs AS good
    WHERE good.control_id = log.control_id AND good.status IN ('success', 'partial')
) AS last ON true
WHERE log.status = 'error' AND log.scheduled_for IS NOT NULL AND log.fault <> 'auth'
  AND log.execution_time >= %s - %s AND log.id > coalesce(last.id, 0)
  AND control.status <> 'paused'
GROUP BY log.control_id
"""
# Segments that rest until a person has dealt with it: of an account, or each for itself.
SHUT = """
SELECT control.id, control.connection_id, coalesce(last.fault = 'auth', false)
FROM sync_segments_control AS control
LEFT JOIN LATERAL (
    SELECT fault FROM sync_segments_logs AS log
    WHERE log.control_id = control.id AND log.status = 'error'
    ORDER BY execution_time DESC LIMIT 1
) AS last ON true
WHERE control.status = 'error'
"""
# Of the newest sync that ended: the share of rows that could be read, and of how many.
QUALITY = """
SELECT log.success_rate, coalesce((log.stats ->> 'found')::bigint, 0), control.id
FROM sync_segments_control AS control CROSS JOIN LATERAL (
    SELECT success_rate, stats FROM sync_segments_logs AS log
    WHERE log.control_id = control.id AND log.status IN ('success', 'partial')
    ORDER BY execution_time DESC LIMIT 1
) AS log
WHERE control.status <> 'paused' AND log.success_rate < 100
"""


@measure("segment-success", _("syncs of segments that went well"), unit="%")
def success(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell the share of all syncs that went well."""
    for value, count in ask(RATE, now, window):
        yield Reading(float(value), sample=count, path=_list())


@measure("segment-success-each", _("syncs of a segment that went well"), unit="%")
def success_each(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell the share of each segment's syncs that went well."""
    rows = ask(RATES, now, window)
    names = _names([key for *_, key in rows])
    for value, count, key in rows:
        yield _reading(names, key, float(value), sample=count)


@measure("segment-run-time", _("longest sync of a segment, without waits"), unit="s")
def run_time(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell the longest sync of each segment, ended or not."""
    yield from _each(ask(LONGEST, now, window))


@measure("segment-age", _("age of a sync that has not ended"), unit="s")
def age(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell since when each sync that lives waits and runs."""
    yield from _each(ask(OLDEST))


@measure("segment-errors", _("errors of a segment in a row"))
def errors(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell how often each segment failed since it last went well; paused ones are meant."""
    bad = SegmentControl.objects.filter(consecutive_errors__gt=0).exclude(
        status=SegmentControl.Status.PAUSED
    )
    yield from _each(bad.values_list("consecutive_errors", "pk"))


@measure("segment-cron-failures", _("due times of a segment that failed in a row"))
def cron_failures(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell how many of each segment's due times failed since one went well."""
    yield from _each(ask(MISSED, now, window))


@measure(
    "segment-late", _("time since the oldest due segment should have begun"), unit="s"
)
def late(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell for how long nobody has fired what is due."""
    ((seconds,),) = ask(LATE)
    yield Reading(max(seconds, 0.0), path=_list())


@measure("segment-access", _("segments whose account refuses us"))
def access(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell of each account how many segments it refuses: one token, one message."""
    found: dict[object, list[int]] = {}
    for key, account, is_refused in ask(SHUT):
        if is_refused:
            found.setdefault(account, []).append(key)
    for account, keys in found.items():
        name = str(account or "environment")
        yield Reading(len(keys), name, label=_account(keys[0]), path=_page(keys[0]))


@measure("segment-shut", _("a segment that needs a person"))
def shut(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell which segments rest for another reason than a refused access."""
    yield from _each([(1, key) for key, _of, is_refused in ask(SHUT) if not is_refused])


@measure("segment-held", _("removals of a segment that are held back"))
def held(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell how many members of each segment would leave, if a person let them."""
    rows = SegmentControl.objects.filter(held_removals__gt=0, accept_removals=False)
    yield from _each(rows.values_list("held_removals", "pk"))


@measure("segment-quality", _("rows of a segment that can be read"), unit="%")
def quality(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell the share of rows that the newest sync of each segment could read."""
    rows = ask(QUALITY)
    names = _names([key for *_, key in rows])
    for value, count, key in rows:
        yield _reading(names, key, float(value), sample=count)


def _each(rows: Iterable[Sequence[Any]]) -> Iterator[Reading]:
    """Yield a reading a segment from pairs of a value and its key."""
    pairs = list(rows)
    names = _names([key for _, key in pairs])
    for value, key in pairs:
        yield _reading(names, key, float(value))


def _reading(
    names: dict[int, str], key: int, value: float, *, sample: int = 1
) -> Reading:
    label = names.get(key, str(key))
    return Reading(value, str(key), sample, label, GROUP, _page(key))


def _names(keys: list[int]) -> dict[int, str]:
    return {
        each.pk: str(each)
        for each in SegmentControl.objects.filter(pk__in=keys).only(
            "name", "segment_id"
        )
    }


def _account(key: int) -> str:
    found = SegmentControl.objects.select_related("connection").get(pk=key)
    return f"{GROUP} {found.connection or ''}".strip()


def _list() -> str:
    return reverse("admin:syncs_segmentcontrol_changelist")


def _page(key: int) -> str:
    return reverse("admin:syncs_segmentcontrol_change", args=[key])


starter_rule(
    "segment-success-rate", measure="segment-success", side="below", threshold=95,
    critical_threshold=80, min_sample=20, window_seconds=DAY,
)  # fmt: skip
starter_rule("segment-run-time", measure="segment-run-time", threshold=TEN_MINUTES)
starter_rule("segment-stuck", measure="segment-age", threshold=TWO_HOURS)
starter_rule(
    "segment-consecutive-errors", measure="segment-errors", threshold=5,
    level="critical",
)  # fmt: skip
starter_rule(
    "segment-cron-failure", measure="segment-cron-failures", threshold=0,
    window_seconds=DAY,
)  # fmt: skip
starter_rule(
    "segments-late", measure="segment-late", threshold=QUARTER, level="critical"
)
starter_rule("segment-access", measure="segment-access", threshold=0, level="critical")
starter_rule("segment-shut", measure="segment-shut", threshold=0)
starter_rule("segment-removals-held", measure="segment-held", threshold=0)
starter_rule(
    "segment-quality", measure="segment-quality", side="below", threshold=95,
    min_sample=20,
)  # fmt: skip
