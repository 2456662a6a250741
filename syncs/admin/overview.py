"""How the syncs stand: who holds a place, what waits, and when it will be done."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from queues.access import may
from queues.admin import show
from queues.rooms import Page, add_page
from syncs.admin import look
from syncs.forecast import forecast
from syncs.models import Connection, Run
from syncs.states import ConnectionStatus, RunStatus

LOOK = "syncs.view_run"
SHOWN = 20

# The last day, by how it ended; the queue, by priority.
ENDS = """
SELECT count(*) FILTER (WHERE outcome = 'succeeded'),
       count(*) FILTER (WHERE outcome = 'partial'),
       count(*) FILTER (WHERE outcome = 'failed'),
       count(*) FILTER (WHERE completed_at - started_at > interval '10 minutes')
FROM sync_queue WHERE completed_at > clock_timestamp() - interval '24 hours'
"""
QUEUE = """
SELECT priority, count(*), min(queued_at),
       count(*) FILTER (WHERE waiting_for IS NOT NULL)
FROM sync_queue WHERE status = 'queued' GROUP BY priority ORDER BY priority
"""

add_page(
    Page(
        "syncs-overview",
        gettext_lazy("State of the syncs"),
        "admin:syncs_overview",
        LOOK,
    )
)


def overview(request: HttpRequest) -> HttpResponse:
    """Show slots, queue, success and forecast on one page."""
    if not may(request.user, LOOK):
        raise PermissionDenied
    good, partial, failed, slow = _rows(ENDS)[0]
    ended = good + partial + failed
    running = list(
        Run.objects.filter(status=RunStatus.PROCESSING)
        .select_related("store")
        .prefetch_related("streams")
        .order_by("started_at")[:SHOWN]
    )
    shut = Connection.objects.exclude(status=ConnectionStatus.ACTIVE)
    context = {
        **admin.site.each_context(request),
        "title": _("State of the syncs"),
        "opts": Run._meta,  # noqa: SLF001 - Django's own name for it
        "running": running,
        "queue": _rows(QUEUE),
        "forecast": (found := forecast()),
        "span": show.span(found.span),
        "each_took": show.seconds(found.seconds),
        "needed": found.needed(timedelta(hours=1)),
        "rate": round(100 * (good + partial / 2) / ended, 1) if ended else None,
        "ended": ended,
        "failed": failed,
        "partial": partial,
        "slow": slow,
        "shut": [
            (link, look.link(link.status))
            for link in shut.select_related("store").order_by("store__name")[:SHOWN]
        ],
    }
    return TemplateResponse(request, "admin/syncs/overview.html", context)


def _rows(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())
