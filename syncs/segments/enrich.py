"""Read the pages of leads that are new or changed, a few side by side, each once."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from syncs.models import SegmentControl, SegmentPage, SegmentPass
from syncs.segments.account import company_of
from syncs.segments.apply import sort, synced, take
from syncs.segments.fence import Hold, holding
from syncs.segments.join import ask, join
from syncs.segments.refuse import refuse, settle_refusals
from syncs.segments.sprinthub import Details

OLD = timedelta(days=30)
MOST_MISSING = 100
FEW_BLANK = 5
MOST_BLANK = 0.05
BLANK = "Details came back without a name or an address: they were not believed"

# Ids of the segment that no lead is known for, and not asked for in this sync.
MISSING = """
SELECT DISTINCT seen.external_id FROM (
    SELECT unnest(ids) AS external_id FROM sync_segment_pages
    WHERE sync_id = %(sync)s AND sweep = %(sweep)s AND kind = 'ids'
) AS seen
LEFT JOIN synced_leads AS known ON known.external_id = seen.external_id
    AND known.connection_id IS NOT DISTINCT FROM %(connection)s
    AND known.company_id = %(company)s
WHERE known.id IS NULL OR known.lead_id IS NULL AND NOT known.is_forgotten
    AND (known.enriched_at IS NULL OR known.enriched_at < %(began)s)
ORDER BY seen.external_id LIMIT %(most)s
"""
# Members whose details are not those of their last change, the never read ones first;
# `began` keeps what was asked for in this sync from being asked for again.
DUE = """
SELECT lead.external_id FROM segment_members AS member
JOIN synced_leads AS lead ON lead.external_id = member.external_id
    AND lead.connection_id IS NOT DISTINCT FROM %(connection)s
    AND lead.company_id = %(company)s
WHERE member.control_id = %(control)s AND member.removed_at IS NULL
    AND NOT lead.is_forgotten AND lead.gone_at IS NULL
    AND (lead.enriched_at IS NULL OR lead.enriched_at < %(began)s AND
         lead.enriched_for IS DISTINCT FROM lead.provider_updated_at)
ORDER BY lead.enriched_at NULLS FIRST, lead.id LIMIT %(most)s
"""
AGED = """
SELECT lead.external_id FROM segment_members AS member
JOIN synced_leads AS lead ON lead.external_id = member.external_id
    AND lead.connection_id IS NOT DISTINCT FROM %(connection)s
    AND lead.company_id = %(company)s
WHERE member.control_id = %(control)s AND member.removed_at IS NULL
    AND NOT lead.is_forgotten AND lead.gone_at IS NULL
    AND lead.enriched_at < %(began)s - %(old)s
ORDER BY lead.enriched_at, lead.id LIMIT %(most)s
"""


def missing(sync: SegmentPass, most: int) -> list[str]:
    """Return ids of the segment that nothing is known of."""
    return _ask(MISSING, sync, most)


def due(sync: SegmentPass, most: int) -> list[str]:
    """Return whose details to read next: of who is missing, changed, or read long ago."""
    if found := missing(sync, most):
        return found
    if sync.control.enrich == SegmentControl.Enrich.NEVER:
        return []
    left = sync.control.enrich_most - sync.stats.get("enriched", 0)
    if found := _ask(DUE, sync, min(most, max(left, 0))):
        return found
    return _ask(AGED, sync, min(most, max(left, 0)))


def left_over(sync: SegmentPass) -> int:
    """Return how many wait for the next sync because this one may ask for no more."""
    if sync.control.enrich == SegmentControl.Enrich.NEVER:
        return 0
    return len(_ask(DUE, sync, 1_000_000))


def apply_details(hold: Hold, details: Details, *, zone: str) -> None:
    """Write what was said of leads, and that they were asked for. Raises Ghost."""
    with holding(hold) as sync:
        control = sync.control
        company = company_of(control)
        rows = [each for each in details.found.values() if each is not None]
        read = sort(rows, zone=zone)
        readings = {k: r for k, r in read.readings.items() if k in details.found}
        blank = [key for key, each in readings.items() if each.is_blank]
        told = {k: r for k, r in readings.items() if k not in blank}
        taken = take(control, company, told, is_detail=True)
        _mark(control, company, details)
        events = [*taken.events, *_join_missing(sync, taken.leads)]
        refuse(control, read.refused)
        settle_refusals(control, told)
        ask(events)
        _count(sync, details, blank)


def is_hollow(sync: SegmentPass) -> bool:
    """Tell whether so many details were blank that none is to be believed."""
    blank, enriched = sync.stats.get("blank", 0), sync.stats.get("enriched", 0)
    return bool(blank >= max(FEW_BLANK, MOST_BLANK * enriched))


def _join_missing(sync: SegmentPass, leads: Any) -> list[int]:
    """Let those be members whose id was on a page before anything was known of them."""
    if sync.mode == SegmentPass.Mode.FULL or not leads:
        return []
    pages = sync.pages.filter(sweep=sync.sweep, kind=SegmentPage.Kind.IDS)
    on_pages = {
        key
        for ids in pages.filter(ids__overlap=list(leads)).values_list("ids", flat=True)
        for key in ids
    }
    members = {key: lead for key, lead in leads.items() if key in on_pages}
    is_baseline = sync.control.last_success is None
    return join(sync.control, members, is_baseline=is_baseline)


def _mark(control: SegmentControl, company: Any, details: Details) -> None:
    """Write who was asked for, so that a crash asks for nobody twice."""
    rows = synced(control, company)
    there = set(
        rows.filter(external_id__in=details.found).values_list("external_id", flat=True)
    )
    model = rows.model
    model.objects.bulk_create(
        [
            model(connection_id=control.connection_id, company=company, external_id=key)
            for key in sorted(details.found)
            if key not in there
        ],
        ignore_conflicts=True,
    )
    rows.filter(external_id__in=details.found).update(enriched_at=Now())
    gone = [key for key, row in details.found.items() if row is None]
    rows.filter(external_id__in=gone).update(gone_at=Now())


def _count(sync: SegmentPass, details: Details, blank: Sequence[str]) -> None:
    stats = sync.stats
    gone = sum(1 for row in details.found.values() if row is None)
    for name, more in (
        ("enriched", len(details.found)), ("blank", len(blank)), ("gone", gone),
    ):  # fmt: skip
        stats[name] = stats.get(name, 0) + more
    sync.save(update_fields=["stats"])


def _ask(statement: str, sync: SegmentPass, most: int) -> list[str]:
    if most <= 0:
        return []
    values: dict[str, Any] = {
        "sync": sync.pk, "sweep": sync.sweep, "control": sync.control_id,
        "connection": sync.control.connection_id,
        "company": company_of(sync.control).pk,
        "began": sync.started_at, "old": OLD, "most": most,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [key for (key,) in cursor.fetchall()]
