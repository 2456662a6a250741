"""Go through the pages of a segment: which one is next, and when all are through."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from math import ceil
from typing import Any

from django.db.models import Max

from syncs.errors import ContractBroken
from syncs.models import SegmentPage, SegmentPass
from syncs.segments.apply import apply_ids, apply_rows, sort
from syncs.segments.fence import Hold, holding
from syncs.segments.finish import tally
from syncs.segments.sprinthub import IDS_A_PAGE, ROWS_A_PAGE, Page, SprintHub

OVERLAP = timedelta(minutes=10)
"""So much of what was read before is read again: clocks differ, and rows come late."""
MOST_SWEEPS = 2
FULL_EVERY = timedelta(days=7)
LIMITS = {SegmentPage.Kind.IDS: IDS_A_PAGE, SegmentPage.Kind.ROWS: ROWS_A_PAGE}
Kind, Mode = SegmentPage.Kind, SegmentPass.Mode


@dataclass(frozen=True, slots=True)
class Step:
    """The next page to ask for: of which kind, by which number, in which order."""

    kind: str
    number: int
    order: str


def choose_mode(sync: SegmentPass, *, now: Any) -> str:
    """Return how a new sync reads: all rows now and then, and where the order lies."""
    control = sync.control
    known = control.last_full is not None and control.changed_until is not None
    if not known or not control.order_is_kept:
        return Mode.FULL
    return Mode.FULL if control.last_full < now - FULL_EVERY else Mode.QUICK


def next_step(sync: SegmentPass) -> Step | None:
    """Return the next page of this sweep, or None if all are through."""
    if sync.mode == Mode.FULL:
        return _next_of(sync, Kind.ROWS, "created")
    return _next_of(sync, Kind.IDS, "created") or _next_recent(sync)


def fetch(hub: SprintHub, segment: int, step: Step) -> Page:
    """Ask for a page."""
    if step.kind == Kind.IDS:
        return hub.ids(segment, step.number)
    return hub.rows(segment, step.number, order=step.order)


def write(hold: Hold, step: Step, page: Page, *, zone: str) -> dict[str, int]:
    """Apply a page in one transaction; return its counts. Raises Ghost.

    An answer that cannot be a page of this segment raises ContractBroken, and nothing
    of it is stored.
    """
    with holding(hold) as sync:
        if not page.rows and not _may_be_empty(sync, step, page.total):
            return {}
        if step.kind == Kind.IDS:
            written = apply_ids(sync, step.number, page.total, page.rows)
        else:
            if step.order == "updated" and not _is_in_order(sync, step, page, zone):
                _read_all(sync)
                return {}
            written = apply_rows(sync, step.number, page.total, page.rows, zone=zone)
        _learn_base(sync, written)
        return dict(written.counts)


def again(hold: Hold) -> bool:
    """Begin another sweep if pages shifted under the first; tell whether it did."""
    with holding(hold) as sync:
        if tally(sync).is_complete or sync.stats.get("repeats", 0) + 1 >= MOST_SWEEPS:
            return False
        sync.stats["repeats"] = sync.stats.get("repeats", 0) + 1
        sync.sweep, sync.page_base = sync.sweep + 1, None
        sync.save(update_fields=["stats", "sweep", "page_base"])
        return True


def read_all(hold: Hold) -> None:
    """Go through all rows instead of those that changed."""
    with holding(hold) as sync:
        _read_all(sync, keeps_order=True)


def _read_all(sync: SegmentPass, *, keeps_order: bool = False) -> None:
    sync.mode, sync.sweep = Mode.FULL, sync.sweep + 1
    sync.save(update_fields=["mode", "sweep"])
    if not keeps_order:
        sync.control.order_is_kept = False
        sync.control.save(update_fields=["order_is_kept"])


def _pages(sync: SegmentPass, kind: str) -> Any:
    return sync.pages.filter(sweep=sync.sweep, kind=kind)


def _next_of(sync: SegmentPass, kind: str, order: str) -> Step | None:
    base = sync.page_base or 0
    last = _pages(sync, kind).order_by("-number").first()
    if last is None:
        return Step(kind, base, order)
    if last.number - base + 1 >= ceil(last.total / LIMITS[SegmentPage.Kind(kind)]):
        return None
    return Step(kind, last.number + 1, order)


def _next_recent(sync: SegmentPass) -> Step | None:
    """Return the next page of rows, the newest first, down to where we were."""
    until = sync.control.changed_until
    pages = _pages(sync, Kind.ROWS)
    oldest = pages.order_by("-number").values_list("oldest", flat=True).first()
    if oldest is not None and until is not None and oldest < until - OVERLAP:
        return None
    return _next_of(sync, Kind.ROWS, "updated")


def _may_be_empty(sync: SegmentPass, step: Step, total: int) -> bool:
    """Tell whether a page without rows is one; learn the base where it must be 1."""
    base = sync.page_base or 0
    left = ceil(total / LIMITS[SegmentPage.Kind(step.kind)])
    if sync.page_base is None and step.number == 0 and total:
        sync.page_base = 1
        sync.save(update_fields=["page_base"])
        return False
    if step.number - base + 1 < left:
        raise ContractBroken("An empty page before the end", endpoint="segment")
    return True


def _learn_base(sync: SegmentPass, page: SegmentPage) -> None:
    """Learn from the second page where pages begin: if it is the first, at one."""
    if sync.page_base is not None or page.number != 1:
        return
    first = _pages(sync, page.kind).filter(number=0).first()
    if first is None:
        return
    same = bool(page.ids) and (page.ids, page.gone) == (first.ids, first.gone)
    sync.page_base = 1 if same else 0
    sync.save(update_fields=["page_base"])


def _is_in_order(sync: SegmentPass, step: Step, page: Page, zone: str) -> bool:
    """Tell whether the rows really come newest first, as they were asked to."""
    readings = sort(page.rows, zone=zone).readings.values()
    moments = [each.updated_at for each in readings]
    if None in moments:
        return False
    pages = _pages(sync, Kind.ROWS).filter(number__lt=step.number)
    before = pages.aggregate(oldest=Max("number"))["oldest"]
    if before is not None:
        moments.insert(0, pages.get(number=before).oldest)
    known = [each for each in moments if each is not None]
    return all(a >= b for a, b in pairwise(known))
