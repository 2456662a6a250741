"""What the pages of the admin ask for: moments, spans, JSON and the status strip."""

from datetime import datetime

from django import template
from django.utils.safestring import SafeString

from queues.admin import show
from queues.admin.status import Status, status

register = template.Library()


@register.filter
def moment(value: datetime | None) -> SafeString:
    """Show a moment, relative and on the clock."""
    return show.moment(value)


@register.filter
def clock(value: datetime | None) -> str:
    """Show a moment on the clock."""
    return show.clock(value) if value else show.NOTHING


@register.simple_tag
def between(start: datetime | None, end: datetime | None) -> str:
    """Show the time from one moment to another."""
    return show.span(end - start) if start and end else show.NOTHING


@register.simple_tag(takes_context=True)
def engine_status(context: template.Context) -> Status:
    """Return what the first page says of the engine to this user."""
    return status(context["request"].user)
