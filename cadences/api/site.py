"""Add the routes of this app to the one API of the project."""

from cadences.api import doors
from queues.api.site import api


def add() -> None:
    """Add the routers; once, before the addresses are read."""
    api.add_router("", doors.router)
