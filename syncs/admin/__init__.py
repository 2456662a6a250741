"""The admin of syncs: what runs, what waits, who is connected, what was kept aside."""

from syncs.admin import (
    backfills,
    budgets,
    cache,
    connections,
    deliveries,
    navigation,
    overview,
    quarantine,
    runs,
    segment_rows,
    segments,
    stores,
)

__all__ = [
    "backfills",
    "budgets",
    "cache",
    "connections",
    "deliveries",
    "navigation",
    "overview",
    "quarantine",
    "runs",
    "segment_rows",
    "segments",
    "stores",
]
