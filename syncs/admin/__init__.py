"""The admin of syncs: what runs, what waits, who is connected, what was kept aside."""

from syncs.admin import (
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
