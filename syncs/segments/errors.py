"""What can go wrong with a segment, named after the fact."""

from syncs.errors import SyncError


class UnknownSegment(SyncError, LookupError):
    """No segment of that number is synced."""

    def __init__(self, segment_id: int) -> None:
        super().__init__(f"Unknown segment: {segment_id}")


class Ghost(SyncError):
    """Another process has taken up this sync: nothing more may be written."""


class InvalidHint(SyncError, ValueError):
    """A webhook's body does not say which lead it is about."""


class InvalidFile(SyncError, ValueError):
    """A file holds no segments that are understood."""


class InvalidSegment(SyncError, ValueError):
    """What a segment should say is not understood; the message names the fact."""


class SegmentExists(SyncError):
    """That segment of that account is synced already."""
