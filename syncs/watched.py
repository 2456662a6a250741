"""What people are told of about stores: failures, delays, old numbers, refused access."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Count, Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from queues.alerts.measures import Reading, measure
from queues.alerts.rules import starter_rule
from queues.ask import ask
from syncs import clock
from syncs.budgets import QUOTA_FROM
from syncs.forecast import forecast, oldest_wait
from syncs.klaviyo.client import DAY, TIERS
from syncs.models import Budget, Connection
from syncs.states import ConnectionStatus, Provider, RunStatus, Waiting
from syncs.versions import retires

SHUT = (ConnectionStatus.AUTH_ERROR, ConnectionStatus.ACCOUNT_LOCKED)
EVENING = 18
"""The hour of an account from which on a used up quota is no news."""
WEEK = 7 * 86_400
STANDS: dict[str, str | Promise] = {
    RunStatus.PROCESSING: _("a sync is under way"),
    RunStatus.QUEUED: _("it waits in the queue"),
}

# A partial sync is half a success; a cancelled one is none of either.
ENDS = """
SELECT (count(*) FILTER (WHERE outcome = 'succeeded')
        + count(*) FILTER (WHERE outcome = 'partial') / 2.0) * 100 / count(*), count(*)
FROM sync_queue WHERE completed_at >= %s - %s AND outcome <> 'cancelled'
HAVING count(*) > 0
"""
# What a sync took of a place: its turns alone, not what it waited between them.
LONGEST = """
WITH lately AS (
    SELECT store_id, job_id, started_at, completed_at FROM sync_queue
    WHERE status IN ('queued', 'processing') AND started_at IS NOT NULL
    UNION ALL
    SELECT store_id, job_id, started_at, completed_at FROM sync_queue
    WHERE completed_at >= %s - %s
)
SELECT store.id, store.name, max(active.seconds)
FROM lately JOIN stores AS store ON store.id = lately.store_id
CROSS JOIN LATERAL (
    SELECT sum(extract(epoch FROM coalesce(finished_at, clock_timestamp())
               - attempt.started_at))::float8 AS seconds
    FROM job_attempts AS attempt
    WHERE attempt.job_id = lately.job_id
      AND attempt.started_at < coalesce(lately.completed_at, 'infinity')
      AND coalesce(finished_at, 'infinity') > lately.started_at
) AS active
WHERE active.seconds > 0 GROUP BY store.id, store.name
"""
# Of each request only how it ended last: a later one that went well is the answer.
HELD = """
SELECT store.id, store.name, count(*)
FROM (
    SELECT DISTINCT ON (dedupe_key) id, store_id, error_kind FROM sync_queue
    WHERE completed_at >= %s - %s AND outcome <> 'cancelled'
    ORDER BY dedupe_key, completed_at DESC
) AS last JOIN stores AS store ON store.id = last.store_id
WHERE last.error_kind = 'data_quality' OR EXISTS (
    SELECT FROM sync_stream_runs WHERE run_id = last.id AND status = 'held')
GROUP BY store.id, store.name
"""
ASIDE = """
SELECT part.connection_id, sum(part.quarantined) * 100.0
           / sum(part.rows_seen + part.quarantined),
       sum(part.rows_seen + part.quarantined)
FROM sync_stream_runs AS part JOIN sync_queue AS run ON run.id = part.run_id
WHERE run.completed_at >= %s - %s AND part.rows_seen + part.quarantined > 0
GROUP BY part.connection_id
"""
AGES = """
SELECT link.id, extract(epoch FROM clock_timestamp()
           - coalesce(link.last_success_at, link.created_at))
           / 0.6 / link.freshness_minutes,
       link.breaker_until > clock_timestamp(), open.status, open.waiting_for
FROM store_connections AS link JOIN stores AS store ON store.id = link.store_id
LEFT JOIN LATERAL (
    SELECT status, waiting_for FROM sync_queue
    WHERE store_id = link.store_id AND status IN ('queued', 'processing')
    ORDER BY queued_at LIMIT 1
) AS open ON true
WHERE link.freshness_minutes > 0 AND store.is_active AND link.status <> 'disabled'
"""


@measure("sync-success-rate", _("syncs of stores that went well"), unit="%")
def success(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell the share of syncs that went well; a partial one is half."""
    for share, count in ask(ENDS, now, window):
        path = reverse("admin:syncs_overview")
        yield Reading(float(share), sample=count, path=path)


@measure("sync-run-time", _("longest sync of a store, without its waits"), unit="s")
def longest(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell what the longest sync of each store took of a place."""
    for store, name, seconds in ask(LONGEST, now, window):
        yield Reading(seconds, str(store), label=name, path=_runs(name))


@measure("sync-held", _("numbers that are held back"))
def held(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell of which stores numbers were held back, and by how many syncs."""
    for store, name, count in ask(HELD, now, window):
        yield Reading(count, str(store), label=name, path=_runs(name))


@measure("sync-kept-aside", _("rows that could not be used"), unit="%")
def kept_aside(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell the share of each connection's rows that was kept aside."""
    rows = ask(ASIDE, now, window)
    links = _links(rows)
    for link, share, count in rows:
        yield _of(links[link], float(share), sample=int(count))


@measure("sync-queue-age", _("age of the oldest sync that could start"), unit="s")
def oldest(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell for how long the oldest sync waits for a place."""
    yield Reading(oldest_wait(), path=reverse("admin:syncs_overview"))


@measure("sync-forecast", _("time until the syncs that wait are done"), unit="s")
def queue_length(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell how long it takes until all that waits is done."""
    found = forecast(ahead=0)
    yield Reading(found.span.total_seconds(), path=reverse("admin:syncs_overview"))


@measure("sync-errors", _("errors of a connection in a row"))
def errors(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell how often each connection failed since it worked last."""
    rows = Connection.objects.filter(consecutive_errors__gt=0)
    for link in rows.select_related("store"):
        yield _of(link, link.consecutive_errors)


@measure("sync-access", _("connections that are refused access"))
def access(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell which connections wait for a person: a new token, a bill that is paid."""
    rows = Connection.objects.filter(status__in=SHUT, store__is_active=True)
    for link in rows.select_related("store"):
        yield _of(link, 1, why=ConnectionStatus(link.status).label)


@measure("sync-freshness", _("age of the numbers, of what was promised"), unit="%")
def freshness(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell how old the numbers of each connection are for its objective, and why."""
    rows = ask(AGES)
    links = _links(rows)
    for link, share, rests, status, waiting in rows:
        why = _why(links[link], rests=bool(rests), status=status, waiting=waiting)
        yield _of(links[link], float(share), why=why)


@measure("sync-quota", _("what is left of the calls of a day"), unit="%")
def quota(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell what is left to each account, until the evening of its own day."""
    ours = Connection.objects.filter(provider=Provider.KLAVIYO)
    zones = dict(ours.values_list("external_account", "timezone"))
    today = Q(spendings__counts_at__gt=Now() - timedelta(seconds=DAY))
    rows = Budget.objects.filter(provider=Provider.KLAVIYO)
    for row in rows.annotate(used=Count("spendings", filter=today)):
        zone = clock.zone_of(zones.get(row.account, ""))
        if now.astimezone(zone).hour < EVENING:
            path = reverse("admin:syncs_budget_change", args=[row.pk])
            name = f"{row.account} {row.group}"
            left = _left(row, row.used, now)
            yield Reading(left, name, label=name, group="Klaviyo", path=path)


@measure("sync-wait", _("wait that a provider asks for"), unit="s")
def asked_wait(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell what each provider that lets no call through asked us to wait."""
    rows = Budget.objects.filter(blocked_until__gt=now, asked_seconds__isnull=False)
    for row in rows:
        path = reverse("admin:syncs_budget_change", args=[row.pk])
        group = dict(Provider.choices).get(row.provider, row.provider)
        yield Reading(
            row.asked_seconds or 0.0,
            str(row),
            label=str(row),
            group=str(group),
            path=path,
        )


@measure("sync-version", _("days for which the version of an API is served"))
def version(now: datetime, window: timedelta) -> Iterator[Reading]:
    """Tell for how long the pinned versions are there."""
    for name, pinned in (
        (Provider.SHOPIFY, settings.SHOPIFY_API_VERSION),
        (Provider.KLAVIYO, settings.KLAVIYO_REVISION),
    ):
        end = retires(name.value, pinned)
        if end is not None:
            text = f"{name.label} {pinned}"
            yield Reading((end - now.date()).days, name.value, label=text)


def _why(
    link: Connection, *, rests: bool, status: str | None, waiting: str | None
) -> "str | Promise":
    """Return why the numbers of a connection are no newer."""
    if link.status != ConnectionStatus.ACTIVE:
        return ConnectionStatus(link.status).label
    if rests:
        return Waiting.PAUSED.label
    if waiting is not None:
        return Waiting(waiting).label
    if status is not None:
        return STANDS[status]
    failed = link.consecutive_errors > 0
    return _("the last sync failed") if failed else _("nobody asked for a sync")


def _left(row: Budget, used: int, now: datetime) -> float:
    """Return what is left of a budget's day in percent; nothing while it is spent."""
    soon = timedelta(seconds=QUOTA_FROM)
    if row.blocked_until is not None and row.blocked_until > now + soon:
        return 0.0
    days = [each.most for each in TIERS.get(row.group, ()) if each.seconds == DAY]
    return max(0.0, 100.0 - 100.0 * used / days[0]) if days else 100.0


def _of(
    link: Connection, value: float, *, sample: int = 1, why: "str | Promise" = ""
) -> Reading:
    """Return the reading of a connection; those of a provider may suffer together."""
    name = " · ".join(filter(None, [str(link.store), str(link), str(why)]))
    path = reverse("admin:syncs_connection_change", args=[link.pk])
    provider = dict(Provider.choices).get(link.provider, link.provider)
    return Reading(value, str(link.pk), sample, name, str(provider), path)


def _links(rows: list[tuple[Any, ...]]) -> dict[Any, Connection]:
    found = Connection.objects.select_related("store").defer("settings")
    return found.in_bulk([row[0] for row in rows])


def _runs(name: str) -> str:
    return f"{reverse('admin:syncs_run_changelist')}?{urlencode({'q': name})}"


starter_rule(
    "sync-success-rate", measure="sync-success-rate", side="below", threshold=95,
    critical_threshold=80, min_sample=20, window_seconds=86_400,
)  # fmt: skip
starter_rule("sync-run-time", measure="sync-run-time", threshold=600)
starter_rule("sync-held", measure="sync-held", threshold=0, window_seconds=WEEK)
starter_rule(
    "sync-kept-aside", measure="sync-kept-aside", threshold=5, min_sample=20,
    window_seconds=86_400,
)  # fmt: skip
starter_rule("sync-queue-age", measure="sync-queue-age", threshold=900)
starter_rule("sync-forecast", measure="sync-forecast", threshold=3600)
starter_rule("sync-errors", measure="sync-errors", threshold=5, level="critical")
starter_rule("sync-access", measure="sync-access", threshold=0, level="critical")
starter_rule(
    "sync-freshness", measure="sync-freshness", threshold=100, critical_threshold=200
)
starter_rule("sync-quota", measure="sync-quota", side="below", threshold=10)
# Days are the longest quotas: who asks for more is mistaken, or has shut us out.
starter_rule("sync-wait", measure="sync-wait", threshold=DAY)
starter_rule("sync-version", measure="sync-version", side="below", threshold=60)
