"""Every row of this app."""

from syncs.models.cache import CacheEntry, CacheVersion
from syncs.models.connections import Connection, Credential
from syncs.models.faults import Quarantined
from syncs.models.members import LeadEvent, SegmentMember, SegmentRefusal, SyncedLead
from syncs.models.passes import SegmentPage, SegmentPass
from syncs.models.rules import Enrolment, EnrolmentRule, LeadHint
from syncs.models.runs import Event, Run, StreamRun
from syncs.models.segments import SegmentControl, SegmentLog, Trigger
from syncs.models.stores import Store, StoreMember
from syncs.models.streams import StreamState

__all__ = [
    "CacheEntry",
    "CacheVersion",
    "Connection",
    "Credential",
    "Enrolment",
    "EnrolmentRule",
    "Event",
    "LeadEvent",
    "LeadHint",
    "Quarantined",
    "Run",
    "SegmentControl",
    "SegmentLog",
    "SegmentMember",
    "SegmentPage",
    "SegmentPass",
    "SegmentRefusal",
    "Store",
    "StoreMember",
    "StreamRun",
    "StreamState",
    "SyncedLead",
    "Trigger",
]
