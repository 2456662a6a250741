"""Put the numbers of a run before people: all of its entries in one transaction."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Max

from queues.running import RunningJob
from syncs import clock, gates, lifetimes
from syncs.links import told as told_changes
from syncs.models import CacheEntry, CacheVersion, Connection, Run, StreamRun
from syncs.periods import days_of, period_of
from syncs.ports import Entry, Period, Stream, provider
from syncs.states import CacheStatus, Kind, StreamStatus
from syncs.tell import tell
from syncs.turn import guard

AGES = ("synced_at", "fresh_until", "hard_until", "refresh_cost")
KEPT = 3
"""Earlier versions of an entry that are kept."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An entry that passed, and with which words; or the reason why it did not."""

    link: Connection
    entry: Entry
    held: str = ""
    warning: str = ""


@dataclass(slots=True)
class Published:
    """What a publication came to."""

    types: list[str] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)


def publish(
    job: RunningJob, run: Run, links: Sequence[Connection], streams: Sequence[StreamRun]
) -> Published:
    """Publish what complete streams allow, everything at once and nothing twice.

    What is held back leaves the earlier numbers as they are.
    """
    before = told_changes(links)
    offers = list(_offers(run, links, streams))
    told = Published(
        held={each.entry.data_type: each.held for each in offers if each.held}
    )
    with transaction.atomic():
        guard(job, run)
        good = [each for each in offers if not each.held]
        if fresh := [each for each in good if not _is_out(run, each.entry)]:
            version, moment = _next_version(run), clock.now()
            after = told_changes(links, hold=True)
            for each in fresh:
                is_old = after.get(each.link.pk) != before.get(each.link.pk)
                _write(run, each, version, moment, is_old=is_old)
            tell(run, "published", version=version,
                 types=", ".join(each.entry.data_type for each in fresh))  # fmt: skip
        for data_type, reason in told.held.items():
            tell(run, "held", reason, level="warning", type=data_type)
        told.types = [each.entry.data_type for each in good]
    return told


@transaction.atomic
def mark_failed(run: Run, types: Iterable[str] | None, reason: str, code: str) -> None:
    """Say on entries that their last sync failed; their numbers stay."""
    rows = CacheEntry.objects.filter(**days_of(run))
    if types is not None:
        rows = rows.filter(data_type__in=list(types))
    rows.update(
        sync_status=CacheStatus.ERROR,
        error_message=reason[:2000],
        error_code=code[:60],
        last_error_at=clock.now(),
    )


def _offers(
    run: Run, links: Sequence[Connection], streams: Sequence[StreamRun]
) -> Iterable[Offer]:
    # History is read to be counted in; nobody looks at its slices.
    if (period := period_of(run)) is None or run.kind == Kind.BACKFILL:
        return
    for link in links:
        adapter = provider(link.provider)
        ours = {each.stream: each for each in streams if each.connection_id == link.pk}
        if types := _whole(run, link, ours):
            for entry in adapter.entries(link, period, types):
                used = _used(entry, adapter.streams.values(), ours)
                if all(each.status == StreamStatus.COMPLETE for each in used):
                    yield _judged(run, link, entry, period, used)


def _whole(run: Run, link: Connection, ours: dict[str, StreamRun]) -> list[str]:
    """Return the data types of a connection of which every stream is complete."""
    known = provider(link.provider).streams
    wanted = {kind for name in ours for kind in known[name].data_types}
    if run.data_types is not None:
        wanted &= set(run.data_types)
    return sorted(
        kind
        for kind in wanted
        if all(
            each.status == StreamStatus.COMPLETE
            for name, each in ours.items()
            if kind in known[name].data_types
        )
    )


def _used(
    entry: Entry, known: Iterable[Stream], ours: dict[str, StreamRun]
) -> list[StreamRun]:
    names = entry.streams or [
        stream.name for stream in known if entry.data_type in stream.data_types
    ]
    return [ours[name] for name in names if name in ours]


def _judged(
    run: Run, link: Connection, entry: Entry, period: Period, used: list[StreamRun]
) -> Offer:
    # What means something else is no measure.
    before = CacheEntry.objects.filter(
        **_place(run, entry), definition=entry.definition
    ).first()
    if run.accepts_quality:
        return Offer(link, entry)
    held = gates.too_many_refused(used) or gates.objection(entry, period, link, before)
    return Offer(link, entry, held, "" if held else gates.warning(entry, before))


def _place(run: Run, entry: Entry) -> dict[str, Any]:
    return {**days_of(run), "data_type": entry.data_type, "source": entry.source}


def _is_out(run: Run, entry: Entry) -> bool:
    """Tell whether this run has published the entry before, in an earlier turn."""
    return CacheEntry.objects.filter(**_place(run, entry), run=run).exists()


def _next_version(run: Run) -> int:
    """Return the version of all entries of this publication."""
    rows = CacheEntry.objects.filter(**days_of(run))
    return int(rows.aggregate(newest=Max("version"))["newest"] or 0) + 1


def _write(
    run: Run, offer: Offer, version: int, moment: datetime, *, is_old: bool
) -> None:
    """Write an entry; one that a change overtook is to be renewed by who looks at it."""
    place = _place(run, offer.entry)
    found = CacheEntry.objects.select_for_update().filter(**place).first()
    values = {**_columns(run, offer, moment), "version": version}
    if is_old:
        values["fresh_until"] = moment
    if found is None:
        CacheEntry.objects.create(**place, **values)
        return
    if run.kind == Kind.RECOMPUTE:
        # The facts are no newer than they were.
        for name in AGES:
            values[name] = getattr(found, name)
    CacheVersion.objects.create(
        entry=found, version=found.version, data=found.data,
        record_count=found.record_count, as_of=found.as_of, synced_at=found.synced_at,
        sha256=found.sha256, run_id=found.run_id,
    )  # fmt: skip
    CacheEntry.objects.filter(pk=found.pk).update(**values)
    CacheVersion.objects.filter(entry=found, version__lt=version - KEPT).delete()


def _columns(run: Run, offer: Offer, moment: datetime) -> dict[str, Any]:
    entry = offer.entry
    zone = offer.link.timezone or run.store.timezone
    settled = run.period_end is not None and lifetimes.is_settled(
        entry.source, run.period_end, today=clock.day(moment, zone)
    )
    negative = entry.record_count == 0
    life = lifetimes.lifetime(entry.source, settled=settled, negative=negative)
    text = json.dumps(entry.data, cls=DjangoJSONEncoder, sort_keys=True)
    return {
        "data": json.loads(text),
        "synced_at": moment,
        "sync_status": CacheStatus.SUCCESS,
        "error_message": None,
        "error_code": "",
        "last_error_at": None,
        "record_count": entry.record_count,
        "data_summary": json.loads(json.dumps(entry.summary, cls=DjangoJSONEncoder)),
        "timezone": zone,
        "definition": entry.definition,
        "as_of": entry.as_of or moment,
        "fresh_until": moment + life.soft,
        "hard_until": moment + life.hard,
        "refresh_cost": _cost(run, moment),
        "is_settled": settled,
        "is_negative": negative,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "total": entry.total,
        "null_rates": dict(entry.null_rates),
        "warnings": [offer.warning] if offer.warning else [],
        "run": run,
    }


def _cost(run: Run, moment: datetime) -> float:
    began = run.started_at or moment
    return min(max((moment - began) / timedelta(seconds=1), 0.0), 600.0)
