"""Judge a finished sweep: complete or not, who left, and what may be believed."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Max

from syncs.clock import now
from syncs.models import SegmentControl, SegmentLog, SegmentPage, SegmentPass
from syncs.segments.conclude import End, conclude
from syncs.segments.fence import Hold, holding
from syncs.segments.join import leave, leavers

FEW = 5
"""So many may always leave at once: the guard is for many."""
MOST_REFUSED = 0.05
Kind, Status = SegmentPage.Kind, SegmentLog.Status
Mode = SegmentPass.Mode

# What the pages of a sweep add up to.
TALLY = """
WITH swept AS (
    SELECT * FROM sync_segment_pages
    WHERE sync_id = %(sync)s AND sweep = %(sweep)s AND kind = %(kind)s
)
SELECT count(*), coalesce((SELECT total FROM swept ORDER BY number DESC LIMIT 1), 0),
    (SELECT count(DISTINCT id) FROM (
        SELECT unnest(ids) AS id FROM swept UNION ALL SELECT unnest(gone) FROM swept
     ) AS every),
    (SELECT count(DISTINCT id) FROM (SELECT unnest(ids) AS id FROM swept) AS living),
    coalesce((SELECT sum((counts ->> 'refused')::int) FROM swept), 0),
    coalesce((SELECT sum((counts ->> 'nameless')::int) FROM swept), 0)
FROM swept
"""
SUMS = """
SELECT name, sum(value::bigint) FROM sync_segment_pages, jsonb_each_text(counts)
    AS each (name, value)
WHERE sync_id = %s GROUP BY name
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """What a sweep found: pages, what SprintHub counts, and distinct ids."""

    pages: int
    total: int
    distinct: int
    living: int
    refused: int
    nameless: int
    """Of the refused ones, those without an id."""

    @property
    def is_complete(self) -> bool:
        """Tell whether every lead that SprintHub counts was seen."""
        return self.distinct == self.total

    @property
    def is_dirty(self) -> bool:
        """Tell whether too many rows could not be read."""
        return self.refused > max(FEW, self.total * MOST_REFUSED)


def tally(sync: SegmentPass) -> Tally:
    """Add up the pages that tell who is in the segment."""
    values: dict[str, Any] = {
        "sync": sync.pk,
        "sweep": sync.sweep,
        "kind": kind_of(sync),
    }
    with connection.cursor() as cursor:
        cursor.execute(TALLY, values)
        return Tally(*cursor.fetchone())


def kind_of(sync: SegmentPass) -> str:
    """Return which pages tell who is in the segment."""
    return Kind.ROWS if sync.mode == Mode.FULL else Kind.IDS


def finish(hold: Hold, *, note: str = "") -> SegmentLog:
    """End a sync whose pages are all applied; only a complete one removes anybody.

    `note` is what went wrong besides: then it is partial. Raises Ghost.
    """
    with holding(hold) as sync:
        found = tally(sync)
        doubts = _doubts(found)
        left, held = (0, 0) if doubts else _remove(sync)
        if held:
            doubts.append(
                f"{held} of {sync.control.members} members would leave at once:"
                " a person must accept that"
            )
        _stand(sync, held=held, is_complete=not doubts)
        faults = [*doubts, *([note] if note else [])]
        return conclude(sync, _end(sync, found, faults, left=left, held=held))


def _doubts(found: Tally) -> list[str]:
    """Return why the pages cannot tell who left."""
    if not found.is_complete:
        seen, total = found.distinct, found.total
        return [f"{seen} leads where SprintHub counts {total}: nobody was removed"]
    if found.is_dirty:
        return [f"{found.refused} rows could not be read: nobody was removed"]
    return []


def _remove(sync: SegmentPass) -> tuple[int, int]:
    """Remove who left, within the guard; return how many left, and how many stay held."""
    control = sync.control
    gone = leavers(sync, kind_of(sync))
    before = control.memberships.filter(removed_at=None).count()
    allowed = max(FEW, before * control.guard_percent // 100)
    if len(gone) > allowed and not control.accept_removals:
        return 0, len(gone)
    return len(leave(control, gone)), 0


def _stand(sync: SegmentPass, *, held: int, is_complete: bool) -> None:
    control: SegmentControl = sync.control
    control.held_removals = held
    control.members = control.memberships.filter(removed_at=None).count()
    fields = ["held_removals", "members"]
    if is_complete:
        control.accept_removals = False
        control.page_base = sync.page_base
        fields += ["accept_removals", "page_base"]
        newest = sync.pages.aggregate(newest=Max("newest"))["newest"]
        if newest is not None:
            control.changed_until = max(newest, control.changed_until or newest)
            fields.append("changed_until")
        if sync.mode == Mode.FULL:
            control.last_full = now()
            fields.append("last_full")
    control.save(update_fields=fields)


def _end(
    sync: SegmentPass, found: Tally, faults: list[str], *, left: int, held: int
) -> End:
    figures: dict[str, Any] = _sums(sync)
    figures |= {
        "pages": sync.pages.count(), "total": found.total, "found": found.distinct,
        "members": found.living, "left": left, "held": held, "sweeps": sync.sweep,
        "mode": sync.mode,
    }  # fmt: skip
    whole = max(found.total, found.distinct + found.nameless)
    good = max(found.distinct + found.nameless - found.refused, 0)
    rate = Decimal(100) if not whole else Decimal(100 * good) / Decimal(whole)
    return End(
        Status.PARTIAL if faults else Status.SUCCESS,
        message="; ".join(faults),
        fault="data_quality" if faults else "",
        rate=round(rate, 2),
        stats=figures,
    )


def _sums(sync: SegmentPass) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(SUMS, [sync.pk])
        return {name: int(value) for name, value in cursor.fetchall()}
