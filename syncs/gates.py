"""What must be true of numbers before people see them: failed is not empty."""

from collections.abc import Sequence
from statistics import median

from syncs.models import CacheEntry, CacheVersion, Connection, StreamRun
from syncs.ports import Entry, Period

LOOKS_BACK = 5
USUALLY = 20
"""A source that usually has this many rows and now has none has not told the truth."""
NULLS = 0.20
QUARANTINED = 0.05
SHARE_OFF, ROWS_OFF = 0.005, 5
FALL = 5
"""A total that is less than a fifth of what it was."""


def is_off(seen: StreamRun) -> bool:
    """Tell whether the rows of a stream are not as many as the provider says."""
    if seen.expected is None:
        return False
    off = abs(seen.expected - (seen.rows_seen - seen.repeated))
    return off > ROWS_OFF and off > SHARE_OFF * seen.expected


def too_many_refused(streams: Sequence[StreamRun]) -> str:
    """Return why a type is held back whose rows could not be used; empty if fine."""
    for each in streams:
        if each.quarantined > QUARANTINED * max(each.rows_seen + each.quarantined, 1):
            return (
                f"{each.stream}: {each.quarantined} of"
                f" {each.rows_seen + each.quarantined} rows could not be used"
            )
    return ""


def objection(
    entry: Entry, period: Period, link: Connection, before: CacheEntry | None
) -> str:
    """Return why an entry is held back, or nothing."""
    if entry.record_count == 0 and (usual := usually(entry, period, link)) >= USUALLY:
        return f"zero_drop: nothing, where there usually are {usual:g}"
    if entry.currency and link.currency and entry.currency != link.currency:
        return f"currency: {entry.currency}, where the store sells in {link.currency}"
    if before is not None:
        for name, rate in entry.null_rates.items():
            known = before.null_rates.get(name)
            if known is not None and rate > known + NULLS:
                return f"null_rate: {name} is empty in {rate:.0%}, it was {known:.0%}"
    return ""


def warning(entry: Entry, before: CacheEntry | None) -> str:
    """Return what people should know of numbers that are published all the same."""
    if (
        before is not None
        and before.total
        and entry.total is not None
        and entry.total * FALL < before.total
    ):
        return f"The total fell from {before.total.normalize():f} to {entry.total:f}"
    return ""


def usually(entry: Entry, period: Period, link: Connection) -> float:
    """Return how many records the last good syncs of such a period had; 0 if unknown."""
    known = CacheEntry.objects.filter(
        store=link.store_id, data_type=entry.data_type, source=entry.source
    )
    same = known.filter(period_start=period.start, period_end=period.end).first()
    counts = [] if same is None else _of(same)
    if len(counts) < LOOKS_BACK:
        days = period.end - period.start
        others = known.exclude(
            period_start=period.start, period_end=period.end
        ).order_by("-synced_at")[:50]
        counts += [
            each.record_count
            for each in others
            if each.period_end - each.period_start == days
            and each.record_count is not None
        ]
    return median(counts[:LOOKS_BACK]) if counts else 0


def _of(same: CacheEntry) -> list[int]:
    versions = CacheVersion.objects.filter(entry=same).order_by("-version")
    before = versions.values_list("record_count", flat=True)[:LOOKS_BACK]
    return [count for count in [same.record_count, *before] if count is not None]
