"""Apply what SprintHub said: a page and its effects are one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cadences.admit import Admitted, admit
from cadences.models import Company
from syncs.clock import now
from syncs.models import SegmentControl, SegmentPage, SegmentPass, SyncedLead
from syncs.segments.account import company_of
from syncs.segments.join import ask, changed, join
from syncs.segments.read import Reading, Unreadable, key_of, read
from syncs.segments.refuse import refuse, settle_refusals

FIELDS = [
    "lead", "is_forgotten", "provider_updated_at", "row_hash", "gone_at", "updated_at",
    "enriched_at", "enriched_for",
]  # fmt: skip
Kind = SegmentPage.Kind


@dataclass(slots=True)
class Sorted:
    """The rows of a page: those that can be read, by id, and those that cannot."""

    readings: dict[str, Reading] = field(default_factory=dict)
    refused: list[tuple[str, str, Any]] = field(default_factory=list)
    """Id if there is one, reason, row."""


@dataclass(slots=True)
class Taken:
    """What became of rows."""

    leads: dict[str, UUID]
    events: list[int]
    counts: dict[str, int]


def sort(rows: Iterable[Any], *, zone: str) -> Sorted:
    """Read rows; a repeated one counts once."""
    found = Sorted()
    for row in rows:
        try:
            reading = read(row, zone=zone)
        except Unreadable as error:
            found.refused.append((error.key, str(error), row))
        else:
            found.readings[reading.key] = reading
    return found


def apply_rows(
    sync: SegmentPass, number: int, total: int, rows: Sequence[Any], *, zone: str
) -> SegmentPage:
    """Write a page of rows: leads, members, events, refusals and the page itself.

    The caller holds the segment's row.
    """
    control = sync.control
    page = sort(rows, zone=zone)
    company = company_of(control)
    taken = take(control, company, page.readings)
    living = {k: r for k, r in page.readings.items() if not r.is_archived}
    members = {key: taken.leads[key] for key in living if key in taken.leads}
    joined = join(control, members, is_baseline=control.last_success is None)
    taken.counts["joined"] = len(joined)
    refuse(control, page.refused)
    settle_refusals(control, page.readings)
    ask([*taken.events, *joined])
    known = [key for key, _, _ in page.refused if key]
    moments = [r.updated_at for r in page.readings.values() if r.updated_at]
    return SegmentPage.objects.create(
        sync=sync, sweep=sync.sweep, kind=Kind.ROWS, number=number, total=total,
        ids=[*living, *known], gone=[k for k in page.readings if k not in living],
        counts={
            **taken.counts, "rows": len(rows), "refused": len(page.refused),
            "nameless": len(page.refused) - len(known),
        },
        oldest=min(moments, default=None), newest=max(moments, default=None),
    )  # fmt: skip


def apply_ids(
    sync: SegmentPass, number: int, total: int, rows: Sequence[Any]
) -> SegmentPage:
    """Write a page of ids: those whose lead is known are members at once."""
    control = sync.control
    ids: list[str] = []
    refused: list[tuple[str, str, Any]] = []
    for row in rows:
        try:
            ids.append(key_of(row if isinstance(row, Mapping) else {"id": row}))
        except Unreadable as error:
            refused.append(("", str(error), row))
    known = dict(
        synced(control, company_of(control))
        .filter(external_id__in=ids, lead__isnull=False)
        .values_list("external_id", "lead_id")
    )
    events = join(control, known, is_baseline=control.last_success is None)
    refuse(control, refused)
    ask(events)
    counts = {
        "rows": 0, "joined": len(events), "refused": len(refused),
        "nameless": len(refused),
    }  # fmt: skip
    return SegmentPage.objects.create(
        sync=sync, sweep=sync.sweep, kind=Kind.IDS, number=number, total=total,
        ids=list(dict.fromkeys(ids)), gone=[], counts=counts,
    )  # fmt: skip


def synced(control: SegmentControl, company: Company) -> Any:
    """Return what is known of the leads of a segment's account."""
    return SyncedLead.objects.filter(connection=control.connection_id, company=company)


def take(
    control: SegmentControl,
    company: Company,
    readings: Mapping[str, Reading],
    *,
    is_detail: bool = False,
) -> Taken:
    """Admit what is new or changed of these leads; nothing older, nothing twice."""
    rows = _locked(control, company, readings)
    fresh = {
        key: reading
        for key, reading in readings.items()
        if key in rows and _is_news(rows[key], reading, is_detail=is_detail)
    }
    admitted = admit(company.pk, [each.stranger for each in fresh.values()])
    by_key = {
        key: each
        for key, reading in fresh.items()
        if (each := admitted.get(reading.stranger.external_id)) is not None
    }
    news = {
        each.lead_id: (_occasion(fresh[key]), each.changed)
        for key, each in by_key.items()
        if each.changed and _was_known(rows[key], is_detail=is_detail)
    }
    _remember(rows, fresh, by_key, is_detail=is_detail)
    leads = {
        key: row.lead_id
        for key, row in rows.items()
        if row.lead_id and not row.is_forgotten
    }
    return Taken(leads, changed(news), _counts(readings, fresh, by_key, len(news)))


def _locked(
    control: SegmentControl, company: Company, readings: Mapping[str, Reading]
) -> dict[str, SyncedLead]:
    """Return a row for each lead, made where there was none, in one order for all."""
    mine = synced(control, company).filter(external_id__in=readings)
    there = set(mine.values_list("external_id", flat=True))
    SyncedLead.objects.bulk_create(
        [
            SyncedLead(
                connection_id=control.connection_id, company=company, external_id=key
            )
            for key in sorted(readings)
            if key not in there and not readings[key].is_blank
        ],
        ignore_conflicts=True,
    )
    rows = mine.select_related("lead").order_by("external_id")
    return {
        each.external_id: each
        for each in rows.select_for_update(no_key=True, of=("self",))
    }


def _is_news(row: SyncedLead, reading: Reading, *, is_detail: bool) -> bool:
    if row.is_forgotten or reading.is_blank:
        return False
    if row.lead is not None and row.lead.erased_at is not None:
        return False
    was, is_ = row.provider_updated_at, reading.updated_at
    if was is not None and is_ is not None and is_ < was:
        return False
    return is_detail or row.row_hash != reading.digest or row.lead_id is None


def _was_known(row: SyncedLead, *, is_detail: bool) -> bool:
    """Tell whether what differs changed: the first details of a lead are no change."""
    return row.lead_id is not None and not (is_detail and row.enriched_at is None)


def _occasion(reading: Reading) -> str:
    stamp = reading.updated_at.isoformat() if reading.updated_at else ""
    return f"{stamp} {reading.digest[:12]} {now().timestamp():.6f}".strip()


def _remember(
    rows: Mapping[str, SyncedLead],
    fresh: Mapping[str, Reading],
    admitted: Mapping[str, Admitted],
    *,
    is_detail: bool,
) -> None:
    """Write what was said last of each lead."""
    moment = now()
    for key, reading in fresh.items():
        row, each = rows[key], admitted.get(key)
        row.lead_id = each.lead_id if each else None
        row.is_forgotten = each is None
        row.provider_updated_at = reading.updated_at or row.provider_updated_at
        row.gone_at = moment if reading.is_archived else None
        row.updated_at = moment
        if is_detail:
            row.enriched_at, row.enriched_for = moment, row.provider_updated_at
        else:
            row.row_hash = reading.digest
    SyncedLead.objects.bulk_update([rows[key] for key in fresh], FIELDS)


def _counts(
    readings: Mapping[str, Reading],
    fresh: Mapping[str, Reading],
    admitted: Mapping[str, Admitted],
    changes: int,
) -> dict[str, int]:
    return {
        "processed": len(readings),
        "inserted": sum(1 for each in admitted.values() if each.is_new),
        "updated": changes,
        "unchanged": len(readings) - len(fresh),
        "forgotten": len(fresh) - len(admitted),
    }
