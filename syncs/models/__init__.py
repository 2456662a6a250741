"""Every row of this app."""

from syncs.models.cache import CacheEntry, CacheVersion
from syncs.models.connections import Connection, Credential
from syncs.models.faults import Quarantined
from syncs.models.runs import Event, Run, StreamRun
from syncs.models.stores import Store, StoreMember
from syncs.models.streams import StreamState

__all__ = [
    "CacheEntry",
    "CacheVersion",
    "Connection",
    "Credential",
    "Event",
    "Quarantined",
    "Run",
    "Store",
    "StoreMember",
    "StreamRun",
    "StreamState",
]
