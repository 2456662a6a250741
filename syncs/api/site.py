"""Add the routes of this app to the one API of the project."""

from queues.api.site import api
from syncs.api import doors, hooks, segment_list, segments, stores


def add() -> None:
    """Add the routers; once, before the addresses are read."""
    api.add_router("", doors.router)
    api.add_router("", hooks.router)
    api.add_router("", segments.router)
    api.add_router("", segment_list.router)
    api.add_router("", stores.router)
