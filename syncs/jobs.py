"""The jobs of this app."""

from syncs.segments import jobs as segments

__all__ = ["segments"]
