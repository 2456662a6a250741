"""Read the numbers of a store from the cache, in one statement, and say what they are worth.

Nobody who reads waits for a provider: what is no longer current is shown, and renewed
behind the reader's back by the one run that all readers share.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from syncs import links, ports
from syncs.errors import NothingToSync
from syncs.models import Run, Store
from syncs.ports import Period
from syncs.request import Wish, request
from syncs.states import CacheStatus, Freshness, Kind, Trigger

PRIORITY_MISS, PRIORITY_STALE = 1, 3
"""Somebody looks at nothing, and somebody looks at something old."""

# The chance of renewing early grows towards the end, with the cost of a sync: so the
# popular entry is renewed before it expires, and by one reader.
READ = """
SELECT wanted.type, entry.id, entry.source, entry.data, entry.version,
       entry.sync_status, entry.error_message, entry.error_code, entry.record_count,
       entry.data_summary,
       entry.timezone, entry.as_of, entry.synced_at, entry.fresh_until,
       entry.hard_until, entry.is_negative, entry.is_settled, entry.warnings,
       entry.last_error_at, entry.run_id, entry.period_start, entry.period_end,
       entry.period_start IS DISTINCT FROM %(start)s
           OR entry.period_end IS DISTINCT FROM %(end)s AS is_other,
       clock_timestamp() AS now,
       clock_timestamp() - entry.refresh_cost * ln(greatest(random(), 1e-9))
           * interval '1 second' >= entry.fresh_until AS is_due,
       entry.definition < coalesce((%(definitions)s::jsonb ->> entry.source)::int, 1)
           AS is_void,
       open.id AS open_id, recent.id AS recent_id, recent.error_message AS recent_error,
       recent.error_code AS recent_code
FROM unnest(%(types)s::text[]) WITH ORDINALITY AS wanted (type, place)
LEFT JOIN LATERAL (
    (SELECT * FROM store_sync_cache
     WHERE store_id = %(store)s AND data_type = wanted.type
       AND period_start = %(start)s AND period_end = %(end)s)
    UNION ALL
    -- Nothing of these days: the last snapshot of as many days, labelled as one.
    (SELECT * FROM store_sync_cache
     WHERE store_id = %(store)s AND data_type = wanted.type
       AND period_end - period_start = %(end)s::date - %(start)s::date
       AND NOT EXISTS (
           SELECT FROM store_sync_cache
           WHERE store_id = %(store)s AND data_type = wanted.type
             AND period_start = %(start)s AND period_end = %(end)s)
     ORDER BY synced_at DESC LIMIT 1)
) AS entry ON true
LEFT JOIN LATERAL (
    SELECT id FROM sync_queue
    WHERE store_id = %(store)s AND period_start = %(start)s AND period_end = %(end)s
      AND status IN ('queued', 'processing') AND kind IN ('report', 'recompute')
      AND (data_types IS NULL OR wanted.type = ANY (data_types))
    ORDER BY started_at NULLS LAST, queued_at LIMIT 1
) AS open ON true
LEFT JOIN LATERAL (
    -- What was tried just now is not tried again at every look.
    SELECT id, error_message, error_code FROM sync_queue
    WHERE store_id = %(store)s AND period_start = %(start)s AND period_end = %(end)s
      AND completed_at > clock_timestamp() - interval '5 minutes' AND kind = 'report'
      AND (data_types IS NULL OR wanted.type = ANY (data_types))
    ORDER BY queued_at DESC LIMIT 1
) AS recent ON true
ORDER BY wanted.place, entry.source
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What the cache has of one data type, and what it is worth."""

    type: str
    state: str
    source: str = ""
    data: Any = None
    version: int = 0
    is_partial: bool = False
    error: str = ""
    error_code: str = ""
    record_count: int | None = None
    summary: Any = None
    timezone: str = ""
    as_of: datetime | None = None
    synced_at: datetime | None = None
    fresh_until: datetime | None = None
    age: float | None = None
    is_settled: bool = False
    is_due: bool = False
    is_derived: bool = False
    """Its meaning has changed, and it is computed anew without a call."""
    warnings: Sequence[str] = ()
    run_id: UUID | None = None
    open_id: UUID | None = None
    period: Period | None = None
    """Of an older snapshot, the days that it is of."""

    @property
    def is_current(self) -> bool:
        """Tell whether it is of the days that were asked for, and not too old."""
        return self.state not in {Freshness.MISS, Freshness.EXPIRED}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reader gets."""

    store: Store
    period: Period
    found: list[Found]
    run: Run | None = None
    blocked: str = ""
    """Why nothing can be renewed, and what to do about it."""

    @property
    def is_miss(self) -> bool:
        """Tell whether something has never been synced, and is on its way."""
        return any(each.state == Freshness.MISS for each in self.found)

    @property
    def tag(self) -> str:
        """Return what changes whenever the answer does."""
        facts = [
            (each.type, each.source, each.state, each.version, each.error)
            for each in self.found
        ]
        run = self.run and (str(self.run.pk), self.run.progress_seq)
        text = repr((str(self.store.pk), str(self.period), facts, run, self.blocked))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def read(
    store: Store,
    period: Period,
    types: Sequence[str] | None = None,
    *,
    refresh: bool = True,
    priority: int | None = None,
) -> Answer:
    """Return what the cache has; ask for what is missing, old, or soon will be.

    Without types those that the connections of the store bring; with `refresh` off
    nothing is asked for.
    """
    found = look(store, period, types or links.offered(store))
    due = [each for each in found if each.is_due]
    unasked = [each for each in due if each.open_id is None]
    if refresh and unasked:
        is_missed = any(not each.is_current for each in due)
        usual = PRIORITY_MISS if is_missed else PRIORITY_STALE
        return _asked(store, period, found, priority or usual)
    run_id = next((each.open_id for each in found if each.open_id), None)
    run = Run.objects.filter(pk=run_id).first() if run_id else None
    return Answer(store, period, found, run)


def look(store: Store, period: Period, types: Sequence[str]) -> list[Found]:
    """Return what the cache has, by one statement; ask for nothing."""
    values: dict[str, Any] = {
        "store": store.pk,
        "types": list(types),
        "start": period.start,
        "end": period.end,
        "definitions": json.dumps(ports.definitions()),
    }
    with connection.cursor() as cursor:
        cursor.execute(READ, values)
        names = [column.name for column in cursor.description]
        return [_found(dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def _asked(store: Store, period: Period, found: list[Found], priority: int) -> Answer:
    """Ask for what is due: what can be computed is no reason to call anybody."""
    run = None
    for kind in (Kind.RECOMPUTE, Kind.REPORT):
        types = {
            each.type
            for each in found
            if each.is_due
            and each.open_id is None
            and each.is_derived == (kind == Kind.RECOMPUTE)
        }
        wish = Wish(types=sorted(types), priority=priority, kind=kind,
                    trigger=Trigger.SYSTEM, join=True)  # fmt: skip
        try:
            run = request(store, period, wish).run if types else run
        except NothingToSync as error:
            return Answer(store, period, found, blocked=str(error))
    return Answer(store, period, found, run)


def _found(row: dict[str, Any]) -> Found:
    if row["id"] is None:
        return Found(
            row["type"],
            Freshness.MISS,
            is_due=row["recent_id"] is None,
            error=row["recent_error"] or "",
            error_code=row["recent_code"] or "",
            open_id=row["open_id"],
        )
    state = _state(row)
    is_void = row["is_void"] and not row["is_other"]
    is_due = row["is_other"] or is_void or row["is_due"] is not False
    tried = row["recent_id"]
    if is_void and tried == row["run_id"]:
        tried = None  # it had another meaning then
    return Found(
        type=row["type"],
        state=state,
        source=row["source"],
        data=_loaded(row["data"]),
        version=row["version"],
        is_partial=row["sync_status"] == CacheStatus.PARTIAL,
        error=row["error_message"] or row["recent_error"] or "",
        error_code=(
            row["error_code"] if row["error_message"] else row["recent_code"] or ""
        ),
        record_count=row["record_count"],
        summary=_loaded(row["data_summary"]),
        timezone=row["timezone"],
        as_of=row["as_of"] or row["synced_at"],
        synced_at=row["synced_at"],
        fresh_until=row["fresh_until"],
        age=(row["now"] - row["synced_at"]).total_seconds(),
        is_settled=row["is_settled"],
        is_due=is_due and tried is None,
        is_derived=is_void and _is_derived(row),
        warnings=_loaded(row["warnings"]) or (),
        run_id=row["run_id"],
        open_id=row["open_id"],
        period=_days(row) if row["is_other"] else None,
    )


def _state(row: dict[str, Any]) -> Freshness:
    """Return what an entry is worth now, by the clock of the database."""
    now, fresh, hard = row["now"], row["fresh_until"], row["hard_until"]
    if row["is_other"]:
        return Freshness.MISS
    if row["is_void"] or (hard is not None and now >= hard):
        return Freshness.EXPIRED
    if fresh is not None and now < fresh:
        return Freshness.NEGATIVE if row["is_negative"] else Freshness.FRESH
    erred = row["last_error_at"]
    if erred is not None and erred > row["synced_at"]:
        return Freshness.STALE_ERROR
    return Freshness.STALE


def _is_derived(row: dict[str, Any]) -> bool:
    """Tell whether the facts behind an entry are recent enough to compute it anew."""
    fresh, run_id = row["fresh_until"], row["run_id"]
    is_recent = run_id is not None and fresh is not None and row["now"] < fresh
    return is_recent and ports.computed(row["type"], row["source"])


def _days(row: dict[str, date]) -> Period:
    return Period(row["period_start"], row["period_end"])


def _loaded(value: object) -> Any:
    return json.loads(value) if isinstance(value, str) else value
