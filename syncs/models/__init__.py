"""Every row of this app."""

from syncs.models.budgets import Budget, Spending
from syncs.models.cache import CacheEntry, CacheVersion
from syncs.models.connections import Connection, Credential
from syncs.models.faults import Quarantined
from syncs.models.hooks import Delivery
from syncs.models.marketing import Piece, ReportState, Result
from syncs.models.orders import Order, OrderCoverage, OrderLine, Refund
from syncs.models.runs import Event, Run, StreamRun
from syncs.models.stores import Store, StoreMember
from syncs.models.streams import StreamState

__all__ = [
    "Budget",
    "CacheEntry",
    "CacheVersion",
    "Connection",
    "Credential",
    "Delivery",
    "Event",
    "Order",
    "OrderCoverage",
    "OrderLine",
    "Piece",
    "Quarantined",
    "Refund",
    "ReportState",
    "Result",
    "Run",
    "Spending",
    "Store",
    "StoreMember",
    "StreamRun",
    "StreamState",
]
