"""Add the routes of this app to the one API of the project."""

from cadences.api import doors, figures, way_out, webhooks
from queues.api.metrics import register
from queues.api.site import api


def add() -> None:
    """Add the routers; once, before the addresses are read."""
    for each in (doors, webhooks, way_out):
        api.add_router("", each.router)
    register("cadences", figures.sends)
