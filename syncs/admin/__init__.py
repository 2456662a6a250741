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
    "stores",
]
