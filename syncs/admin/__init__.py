"""The admin of syncs: what runs, what waits, who is connected, what was kept aside."""

from syncs.admin import (
    cache,
    connections,
    navigation,
    overview,
    quarantine,
    runs,
    segment_rows,
    segments,
    stores,
)

__all__ = [
    "cache",
    "connections",
    "navigation",
    "overview",
    "quarantine",
    "runs",
    "segment_rows",
    "segments",
    "stores",
]
