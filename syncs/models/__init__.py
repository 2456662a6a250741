"""Every row of this app."""

from syncs.models.backfills import Backfill
from syncs.models.budgets import Budget, Spending
from syncs.models.cache import CacheEntry, CacheVersion
from syncs.models.connections import Connection, Credential
from syncs.models.faults import Quarantined
from syncs.models.hooks import Delivery
from syncs.models.marketing import Piece, ReportState, Result
from syncs.models.members import LeadEvent, SegmentMember, SegmentRefusal, SyncedLead
from syncs.models.orders import Order, OrderCoverage, OrderLine, Refund
from syncs.models.passes import SegmentPage, SegmentPass
from syncs.models.rules import Enrolment, EnrolmentRule, LeadHint
from syncs.models.runs import Event, Run, StreamRun
from syncs.models.segments import SegmentControl, SegmentLog, Trigger
from syncs.models.stores import Store, StoreMember
from syncs.models.streams import StreamState

__all__ = [
    "Backfill",
    "Budget",
    "CacheEntry",
    "CacheVersion",
    "Connection",
    "Credential",
    "Delivery",
    "Enrolment",
    "EnrolmentRule",
    "Event",
    "LeadEvent",
    "LeadHint",
    "Order",
    "OrderCoverage",
    "OrderLine",
    "Piece",
    "Quarantined",
    "Refund",
    "ReportState",
    "Result",
    "Run",
    "SegmentControl",
    "SegmentLog",
    "SegmentMember",
    "SegmentPage",
    "SegmentPass",
    "SegmentRefusal",
    "Spending",
    "Store",
    "StoreMember",
    "StreamRun",
    "StreamState",
    "SyncedLead",
    "Trigger",
]
